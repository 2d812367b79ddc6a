from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_open_clip_checkpoint
from safetensors.torch import load_file, save_file

from diffusion import networks
from diffusion.blocks import UnetShape, control_names, inverted, translated, vector_names
from diffusion.checkpoint import Header, WeightFile
from diffusion.control_lora import composed
from diffusion.encode import encode, encode_apart
from diffusion.errors import FamilyMismatch
from diffusion.families import FAMILIES
from diffusion.families.sdxl import PLAYGROUND, SDXL, SDXL_REFINER
from diffusion.family import Family
from diffusion.ip_adapter import SEEN, cross_attentions
from diffusion.library import Checkpoint
from diffusion.lora import read_lora, with_lora
from diffusion.memory import Handle, Hollow, Memory
from diffusion.networks import Vector
from diffusion.parts import wide_heads
from diffusion.prediction import EDM, EPSILON, VELOCITY
from diffusion.tokens import END, START
from diffusion.values import Framing, Prompt
from tests import tiny
from tests.diffusion.families.full import (
    faults,
    header_of,
    original_clip_l,
    original_open_clip,
    original_unet,
    original_vae,
    weights,
)

BASE = UnetShape((320, 640, 1280), (2, 2, 2), (0, 2, 10), 10, 2048, True, 4, vector=2816)
REFINER = UnetShape((384, 768, 1536, 1536), (2,) * 4, (0, 4, 4, 0), 4, 1280, True, 4, vector=2560)
LEVELS = {"block_out_channels": BASE.channels, "layers_per_block": 2, "use_linear_projection": True}
VECTOR = {"addition_embed_type": "text_time", "addition_time_embed_dim": 256}
BASE_CONFIG = (
    LEVELS
    | VECTOR
    | {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "projection_class_embeddings_input_dim": 2816,
    }
)
REFINER_CONFIG = BASE_CONFIG | {
    "block_out_channels": REFINER.channels,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": 4,
    "attention_head_dim": (6, 12, 24, 24),
    "cross_attention_dim": 1280,
    "projection_class_embeddings_input_dim": 2560,
}
RED_L = torch.tensor([[START, 736, END] + [END] * 74])
RED_G = torch.tensor([[START, 736, END] + [0] * 74])


@cache
def base_file() -> Header:
    """The header of a full-size SDXL checkpoint."""
    texts = original_clip_l("conditioner.embedders.0.transformer.text_model.")
    texts |= original_open_clip("conditioner.embedders.1.model.", 1280, 32)
    return header_of(original_unet(BASE, **BASE_CONFIG) | original_vae() | texts)


@cache
def refiner_file() -> Header:
    """The header of a full-size refiner checkpoint."""
    text = original_open_clip("conditioner.embedders.0.model.", 1280, 32)
    return header_of(original_unet(REFINER, **REFINER_CONFIG) | original_vae() | text)


FILES = {"sdxl": base_file, "sdxl_refiner": refiner_file}


@pytest.fixture(scope="module", params=[SDXL, SDXL_REFINER], ids=lambda family: family.name)
def full(request: pytest.FixtureRequest) -> tuple[Family, Header]:
    """Each of the two families, with the header of its full-size file."""
    return request.param, FILES[request.param.name]()


@pytest.fixture
def sdxl(family_library) -> Checkpoint:
    """The small SDXL checkpoint."""
    return family_library.checkpoint(tiny.SDXL)


@pytest.fixture
def refiner(family_library) -> Checkpoint:
    """The small refiner checkpoint."""
    return family_library.checkpoint(tiny.REFINER)


@pytest.mark.slow
def test_no_weight_of_a_full_size_checkpoint_is_missing_or_left_over_or_misshapen(full):
    family, header = full
    parts = family.parts(header)
    assert [faults(header, part) for part in (parts.network, *parts.texts, parts.vae)] == [[]] * (
        2 + len(family.readings)
    )


@pytest.mark.slow
def test_only_its_own_family_recognises_a_full_size_file(full):
    family, header = full
    assert [each.name for each in FAMILIES if each.refuses(header) is None] == [family.name]


@pytest.mark.slow
def test_the_full_size_networks_have_the_published_numbers_of_weights():
    header = base_file()
    parts = SDXL.parts(header)
    counts = [weights(header, part) for part in (parts.network, *parts.texts)]
    assert counts == [2_567_463_684, 123_060_480, 694_659_840]


@pytest.mark.parametrize(("shape", "config"), [(BASE, BASE_CONFIG), (REFINER, REFINER_CONFIG)])
@pytest.mark.slow
def test_the_full_size_networks_names_are_those_the_reference_conversion_expects(shape, config):
    tensors = original_unet(shape, **config)
    family = SDXL if shape is BASE else SDXL_REFINER
    converted = convert_ldm_unet_checkpoint(tensors, config)
    assert converted.keys() == family.parts(header_of(tensors)).network.sources.keys()


def test_heads_are_64_channels_wide():
    assert [wide_heads(Header("x", {}), shape) for shape in (BASE, REFINER)] == [(5, 10, 20), (6, 12, 24, 24)]


@pytest.mark.parametrize(
    ("up_depths", "middle"), [(((0, 0, 0), (2, 1, 1), (4, 4, 10)), 1), (((0,) * 3, (2,) * 3, (10,) * 3), 0)]
)
def test_smaller_networks_of_the_kind_are_read_block_by_block(up_depths, middle):
    shape = replace(BASE, depths=(0, 2, 4), up_depths=up_depths, middle_blocks=middle, middle_depth=0)
    config = BASE_CONFIG | {
        "transformer_layers_per_block": (1, 2, 4),
        "reverse_transformer_layers_per_block": up_depths[::-1],
        "mid_block_type": "UNetMidBlock2D" if middle else None,
    }
    header = header_of(original_unet(shape, **config))
    assert SDXL.refuses(header) is None
    assert faults(header, SDXL.parts(header).network) == []


@pytest.mark.parametrize(
    ("name", "seed", "config"), [(tiny.SDXL, 3, tiny.SDXL_UNET), (tiny.REFINER, 4, tiny.REFINER_UNET)]
)
def test_the_networks_weights_are_those_of_the_reference_conversion(
    family_models, family_library, name, seed, config
):
    file = load_file(family_models / "checkpoints" / name)
    wanted = convert_ldm_unet_checkpoint(file, dict(tiny.unet(seed, **config).config))
    with family_library.checkpoint(name).model.network.resident() as module:
        ours = module.state_dict()
    assert ours.keys() == wanted.keys()
    assert all(torch.equal(ours[key], wanted[key].float()) for key in wanted)


def test_the_larger_text_encoder_s_weights_are_those_of_the_reference_conversion(family_models, sdxl):
    file = load_file(family_models / "checkpoints" / tiny.SDXL)
    wanted = convert_open_clip_checkpoint(tiny.open_text_encoder(3), file, "conditioner.embedders.1.model.")
    with sdxl.text_encoder.towers[1].network.resident() as module:
        ours = module.state_dict()
    named = {key.removeprefix("text_model."): value for key, value in wanted.items()}
    assert ours.keys() == named.keys()
    assert all(torch.equal(ours[key], named[key].float()) for key in ours)


def test_a_prompt_is_the_last_layers_but_one_of_both_encoders_side_by_side(sdxl):
    small = tiny.text_encoder(3)(input_ids=RED_L, output_hidden_states=True).hidden_states[-2]
    large = tiny.open_text_encoder(3)(input_ids=RED_G, output_hidden_states=True).hidden_states[-2]
    tokens = encode(sdxl.text_encoder, "red").entries[0].tokens
    assert torch.allclose(tokens, torch.cat((small, large), -1), atol=1e-5)


def test_the_pooled_prompt_is_the_larger_encoder_s_projected(sdxl):
    expected = tiny.open_text_encoder(3)(input_ids=RED_G).text_embeds
    assert torch.allclose(encode(sdxl.text_encoder, "red").entries[0].pooled, expected, atol=1e-5)


def test_stopping_at_the_last_layer_is_not_normalised_either(sdxl):
    encoder = replace(sdxl.text_encoder, stop_at_layer=-1)
    module = tiny.text_encoder(3)
    expected = module(input_ids=RED_L, output_hidden_states=True).hidden_states[-1]
    assert torch.allclose(encode(encoder, "red").entries[0].tokens[..., : tiny.WIDTH], expected, atol=1e-5)


def test_the_refiner_reads_only_the_larger_encoder(refiner):
    entry = encode(refiner.text_encoder, "red").entries[0]
    expected = tiny.open_text_encoder(4)(input_ids=RED_G, output_hidden_states=True).hidden_states[-2]
    assert torch.allclose(entry.tokens, expected, atol=1e-5)


def test_texts_of_their_own_for_each_encoder_that_are_the_same_are_one_prompt(sdxl):
    apart = encode_apart(sdxl.text_encoder, {"clip_l": "red", "clip_g": "red"}).entries[0]
    assert torch.equal(apart.tokens, encode(sdxl.text_encoder, "red").entries[0].tokens)


def test_the_shorter_of_two_texts_goes_on_with_empty_chunks(sdxl):
    texts = {"clip_l": "red", "clip_g": "a " * 100}
    tokens = encode_apart(sdxl.text_encoder, texts).entries[0].tokens
    empty = encode(sdxl.text_encoder, "").entries[0].tokens
    assert tokens.shape == (1, 2 * 77, 2 * tiny.WIDTH)
    assert torch.allclose(tokens[:, 77:, : tiny.WIDTH], empty[..., : tiny.WIDTH], atol=1e-6)


def numbers(family: Family, framing: Framing | None = None, is_negative: bool = False) -> list[float]:
    """What the network of a family is told of a picture of 512 x 768 pixels."""
    prompt = Prompt(torch.zeros(1, 77, 16), torch.zeros(1, 8), framing=framing)
    return family.vector(prompt, 512, 768, is_negative).numbers[0].tolist()


def test_sizes_that_a_prompt_does_not_say_are_those_of_the_run():
    assert numbers(SDXL) == [512, 768, 0, 0, 512, 768]


def test_sizes_stand_height_first():
    framing = Framing(width=1, height=2, crop_w=3, crop_h=4, target_width=5, target_height=6)
    assert numbers(SDXL, framing) == [2, 1, 4, 3, 6, 5]


def test_a_target_that_is_not_said_is_the_size():
    assert numbers(SDXL, Framing(width=64, height=32)) == [32, 64, 0, 0, 32, 64]


def test_the_refiner_takes_a_positive_prompt_for_a_beautiful_picture():
    assert [numbers(SDXL_REFINER, None, negative)[-1] for negative in (False, True)] == [6.0, 2.5]


def test_the_refiner_is_told_the_score_that_the_prompt_says():
    assert numbers(SDXL_REFINER, Framing(score=9.0), is_negative=True) == [512, 768, 0, 0, 9.0]


def test_a_prompt_without_a_pooled_vector_is_refused():
    with pytest.raises(FamilyMismatch, match="no pooled vector"):
        SDXL.vector(Prompt(torch.zeros(1, 77, 16)), 512, 512, False)


@pytest.mark.parametrize(
    ("name", "seed", "config", "told"),
    [
        (tiny.SDXL, 3, tiny.SDXL_UNET, [64.0, 64.0, 0.0, 8.0, 64.0, 64.0]),
        (tiny.REFINER, 4, tiny.REFINER_UNET, [64.0, 64.0, 0.0, 8.0, 6.0]),
    ],
)
def test_the_network_denoises_as_the_library_s_does(family_library, name, seed, config, told):
    model = family_library.checkpoint(name).model
    random = torch.Generator().manual_seed(0)
    x, pooled = torch.randn(1, 4, 8, 8, generator=random), torch.randn(1, 8, generator=random)
    tokens = torch.randn(1, 77, config["cross_attention_dim"], generator=random)
    sigma, ids = model.noise.sigmas[500], torch.tensor([told])
    output = tiny.unet(seed, **config)(
        x / (sigma**2 + 1) ** 0.5,
        500,
        encoder_hidden_states=tokens,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": ids},
    ).sample
    assert torch.allclose(
        model.denoised(x, sigma, tokens, Vector(pooled, ids)), x - sigma * output, atol=1e-4
    )


def marked(tmp_path, **marks: torch.Tensor) -> Checkpoint:
    """A small checkpoint with marker tensors."""
    (tmp_path / "checkpoints").mkdir()
    tiny.save_sdxl(tmp_path / "checkpoints" / "some.safetensors", **marks)
    return tiny.library(tmp_path).checkpoint("some.safetensors")


def test_without_marks_the_network_predicts_noise(sdxl):
    assert (sdxl.model.prediction, sdxl.model.noise.sigmas[-1]) == (EPSILON, pytest.approx(14.6146, abs=1e-4))


def test_marks_say_velocity_and_zero_terminal_noise(tmp_path):
    model = marked(tmp_path, v_pred=torch.zeros(1), ztsnr=torch.zeros(1)).model
    assert (model.prediction, model.noise.sigma_max) == (VELOCITY, pytest.approx(4518.76, abs=0.01))


def test_the_mark_of_zero_terminal_noise_counts_only_beside_that_of_velocity(tmp_path):
    model = marked(tmp_path, ztsnr=torch.zeros(1)).model
    assert (model.prediction, model.noise.sigma_max) == (EPSILON, pytest.approx(14.6146, abs=1e-4))


def test_marks_say_how_far_continuous_velocity_goes(tmp_path):
    model = marked(tmp_path, **{"edm_vpred.sigma_max": torch.tensor(60.0)}).model
    ends = model.noise.sigma_min, model.noise.sigma_max
    assert (model.prediction, ends) == (VELOCITY, pytest.approx((0.002, 60.0), rel=1e-5))


def test_playground_has_a_latent_space_of_its_own(tmp_path):
    model = marked(tmp_path, edm_mean=torch.zeros(4), edm_std=torch.ones(4)).model
    latent = torch.randn(1, 4, 2, 2)
    assert (model.prediction, model.latent, model.family.name) == (EDM, PLAYGROUND, "sdxl")
    assert torch.allclose(model.latent_out(model.latent_in(latent)), latent, atol=1e-5)
    assert float(model.latent_in(torch.zeros(1, 4, 1, 1))[0, 0, 0, 0]) == pytest.approx(1.6574 * 0.5 / 8.4927)


def test_the_latent_of_sdxl_is_scaled_less(sdxl):
    assert float(sdxl.model.latent_in(torch.ones(1, 4, 1, 1))[0, 0, 0, 0]) == pytest.approx(0.13025)


def test_an_embedding_brings_each_encoder_vectors_of_its_own(sdxl):
    rows = {
        "clip_l": tiny.text_encoder(3).embeddings.token_embedding.weight[736],
        "clip_g": tiny.open_text_encoder(3).text_model.embeddings.token_embedding.weight[736],
    }
    encoder = replace(sdxl.text_encoder, embeddings=lambda _name, encoder: rows[encoder][None])
    one, other = (encode(encoder, text).entries[0] for text in ("a embedding:it fox", "a red fox"))
    assert torch.allclose(one.tokens, other.tokens, atol=1e-6)
    assert torch.allclose(one.pooled, other.pooled, atol=1e-6)


def test_where_an_embedding_is_left_out_of_a_full_chunk_it_ends_with_the_encoder_s_own_padding(sdxl):
    wide = replace(sdxl.text_encoder, embeddings=lambda _name, _encoder: torch.ones(1, 768))
    one, other = (encode(wide, "a " * 74 + end).entries[0].tokens for end in ("embedding:wide", ""))
    assert torch.allclose(one, other, atol=1e-6)


def test_an_embedding_longer_for_one_encoder_cuts_the_other_to_the_same_chunks(sdxl):
    counts = {"clip_l": 80, "clip_g": 1}
    encoder = replace(
        sdxl.text_encoder, embeddings=lambda _name, encoder: torch.zeros(counts[encoder], tiny.WIDTH)
    )
    assert encode(encoder, "embedding:long").entries[0].tokens.shape == (1, 77, 2 * tiny.WIDTH)


def test_a_size_becomes_256_waves_cosines_first(sdxl):
    frequencies = torch.exp(-torch.log(torch.tensor(10_000.0)) * torch.arange(128) / 128)
    with sdxl.model.network.resident() as module:
        waves = module.get_submodule("add_time_proj")(torch.tensor([512.0]))
    expected = torch.cat(((512 * frequencies).cos(), (512 * frequencies).sin()))
    assert torch.allclose(waves[0], expected, atol=1e-4)


def test_bfloat16_is_close_to_float32(family_models, sdxl):
    random = torch.Generator().manual_seed(0)
    x, pooled = torch.randn(1, 4, 8, 8, generator=random), torch.randn(1, 8, generator=random)
    tokens = torch.randn(1, 77, 2 * tiny.WIDTH, generator=random)
    short = tiny.library(family_models).checkpoint(tiny.SDXL).model
    short.network.memory.precision = "bfloat16"
    vector = Vector(pooled, torch.tensor([[64.0, 64.0, 0.0, 0.0, 64.0, 64.0]]))
    one, other = (model.denoised(x, 1.0, tokens, vector) for model in (sdxl.model, short))
    assert other.dtype == torch.float32 and (one - other).abs().max() < 0.2


def test_a_lora_reaches_a_matrix_that_is_a_third_of_a_stored_one(tmp_path, family_models, sdxl):
    random = torch.Generator().manual_seed(0)
    up, down = torch.randn(8, 2, generator=random), torch.randn(2, 8, generator=random)
    module = "lora_te2_text_model_encoder_layers_1_self_attn_k_proj"
    save_file(
        {f"{module}.lora_up.weight": up, f"{module}.lora_down.weight": down}, tmp_path / "a.safetensors"
    )
    lora = read_lora(WeightFile(tmp_path / "a.safetensors"))
    tower = with_lora(sdxl.model, sdxl.text_encoder, lora).text_encoder.towers[1]
    name = "encoder.layers.1.self_attn.k_proj.weight"
    plain = tiny.open_text_encoder(3).text_model.get_parameter(name)
    with tower.network.resident(tower.patches) as patched:
        assert torch.equal(patched.get_parameter(name), (plain + up @ down).half().float())
        other = name.replace("k_proj", "v_proj")
        assert torch.equal(
            patched.get_parameter(other), tiny.open_text_encoder(3).text_model.get_parameter(other)
        )


def full_size_network() -> Handle:
    """The network of a full-size checkpoint, without its numbers."""
    header = base_file()
    file = SimpleNamespace(header=header, path=Path(header.name))
    return Handle(SDXL.parts(header).network, file, Memory("cpu"))


def control_lora(network: Handle, rank: int) -> Header:
    """The header of a full-size Control-LoRA: products for matrices, all else whole."""
    names = inverted(control_names(BASE) | vector_names("add_embedding"))
    tensors = {"lora_controlnet": torch.empty(0, device="meta")}
    with torch.device("meta"), Hollow():
        module = networks.control_net_of(network.part.build, (16, 32, 96, 256))
    for name, weight in module.state_dict().items():
        key = translated(name, names)
        if name not in network.part.sources or weight.ndim == 1:
            tensors[key] = weight
        else:
            start, kernel = key.removesuffix(".weight"), weight.shape[2:]
            up = (weight.shape[0], rank, *(1 for _ in kernel))
            tensors[f"{start}.up"] = weight.new_empty(up)
            tensors[f"{start}.down"] = weight.new_empty(rank, *weight.shape[1:])
    return header_of(tensors)


@pytest.mark.slow
@pytest.mark.slow
def test_no_weight_of_a_full_size_control_lora_is_missing_or_left_over_or_misshapen():
    network = full_size_network()
    header = control_lora(network, 256)
    part = composed(header, network)
    assert faults(header, part) == []
    assert len(part.products) + len(part.whole) == len(part.sources)


def test_a_picture_s_style_and_composition_are_seen_by_ten_layers_each():
    found = cross_attentions(full_size_network())
    starts = SEEN["sdxl"]["style transfer"] + SEEN["sdxl"]["composition"]
    assert [len(found)] + [sum(name.startswith(start) for name in found) for start in starts] == [70, 10, 10]
