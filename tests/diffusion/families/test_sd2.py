from dataclasses import replace

import pytest
import torch
from diffusers import ControlNetModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_open_clip_checkpoint
from safetensors.torch import load_file
from transformers import CLIPTextModelWithProjection

from diffusion.blocks import UnetShape
from diffusion.checkpoint import Header, read_header
from diffusion.encode import encode
from diffusion.families import FAMILIES
from diffusion.families.sd2 import SD2
from diffusion.library import Checkpoint
from diffusion.parts import wide_heads
from diffusion.prediction import EPSILON, VELOCITY
from diffusion.recognition import recognised
from diffusion.tokens import END, START
from tests import tiny
from tests.diffusion.families.full import (
    faults,
    header_of,
    original_open_clip,
    original_unet,
    original_vae,
    weights,
)

UNET = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 1024, True, 4)
CONFIG = {
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "use_linear_projection": True,
}
BLOCKS = ("CrossAttnDownBlock2D", "DownBlock2D")
RED = torch.tensor([[START, 736, END] + [0] * 74])


@pytest.fixture(scope="module")
def full() -> Header:
    """The header of a full-size Stable Diffusion 2 checkpoint."""
    text = original_open_clip("cond_stage_model.model.", 1024, 24)
    return header_of(original_unet(UNET, **CONFIG) | original_vae() | text)


@pytest.fixture
def sd2(family_library) -> Checkpoint:
    """The small checkpoint."""
    return family_library.checkpoint(tiny.SD2)


@pytest.mark.parametrize("index", range(3), ids=("network", "text", "vae"))
def test_no_weight_of_the_full_size_checkpoint_is_missing_or_left_over_or_misshapen(full, index):
    parts = SD2.parts(full)
    assert faults(full, (parts.network, *parts.texts, parts.vae)[index]) == []


def test_the_full_size_network_has_the_published_number_of_weights(full):
    assert weights(full, SD2.parts(full).network) == 865_910_724


def test_the_full_size_network_s_names_are_those_the_reference_conversion_expects():
    tensors = original_unet(UNET, **CONFIG)
    converted = convert_ldm_unet_checkpoint(tensors, {**CONFIG, "layers_per_block": 2})
    assert converted.keys() == SD2.parts(header_of(tensors)).network.sources.keys()


def test_heads_are_64_channels_wide(full):
    assert wide_heads(full, UNET) == (5, 10, 20, 20)


def test_attention_is_computed_in_float32_whatever_the_network_computes_in(family_library):
    for name, upcasts in ((tiny.SD2, True), (tiny.SDXL, False)):
        with family_library.checkpoint(name).model.network.resident() as module:
            layers = [part for key, part in module.named_modules() if key.endswith(("attn1", "attn2"))]
        assert {layer.upcast_attention for layer in layers} == {upcasts}


def test_a_controlnet_of_the_family_attends_in_float32_too():
    settings = {"block_out_channels": (64, 128), "layers_per_block": 1, "down_block_types": BLOCKS}
    with torch.device("meta"):
        module = ControlNetModel(cross_attention_dim=1024, use_linear_projection=True, **settings)
        made = SD2.control(header_of(module.state_dict())).build()
    layers = [part for key, part in made.named_modules() if key.endswith(("attn1", "attn2"))]
    assert layers and all(layer.upcast_attention for layer in layers)


def test_only_this_family_recognises_the_file(full):
    assert [family.name for family in FAMILIES if family.refuses(full) is None] == ["sd2"]


def test_the_network_s_weights_are_those_of_the_reference_conversion(family_models, sd2):
    file = load_file(family_models / "checkpoints" / tiny.SD2)
    wanted = convert_ldm_unet_checkpoint(file, dict(tiny.unet(2, **tiny.LINEAR).config))
    with sd2.model.network.resident() as module:
        ours = module.state_dict()
    assert ours.keys() == wanted.keys()
    assert all(torch.equal(ours[key], wanted[key].float()) for key in wanted)


def test_the_text_encoder_s_weights_are_those_of_the_reference_conversion(family_models, sd2):
    file = load_file(family_models / "checkpoints" / tiny.SD2)
    wanted = convert_open_clip_checkpoint(tiny.open_text_encoder(2), file)
    with sd2.text_encoder.towers[0].network.resident() as module:
        ours = module.state_dict()
    named = {key.removeprefix("text_model."): value for key, value in wanted.items()}
    named["text_projection.weight"] = file["cond_stage_model.model.text_projection"].T  # left out there
    assert ours.keys() == named.keys()
    assert all(torch.equal(ours[key], named[key].float()) for key in ours)


def test_the_prompt_is_the_last_layer_but_one_normalised(sd2):
    module = tiny.open_text_encoder(2)
    states = module(input_ids=RED, output_hidden_states=True).hidden_states
    expected = module.text_model.final_layer_norm(states[-2])
    assert torch.allclose(encode(sd2.text_encoder, "red").entries[0].tokens, expected, atol=1e-5)


def test_a_text_encoder_that_lacks_its_last_layer_is_read_at_the_same_places(tmp_path):
    config = tiny.text_config(hidden_act="gelu", projection_dim=8)
    config.num_hidden_layers = 24
    whole = tiny.randomised(5, lambda: CLIPTextModelWithProjection(config)).state_dict()
    cut = {key: value for key, value in whole.items() if ".layers.23." not in key}
    (tmp_path / "text_encoders").mkdir()
    for name, state in (("whole", whole), ("cut", cut)):
        tiny.saved(tmp_path / "text_encoders" / f"{name}.safetensors", state)
    one, other = (tiny.library(tmp_path).text_encoder([f"{name}.safetensors"]) for name in ("whole", "cut"))
    for stop in (None, -4):
        encoded = [encode(replace(each, stop_at_layer=stop), "red").entries[0] for each in (one, other)]
        assert torch.equal(encoded[0].tokens, encoded[1].tokens)


def test_the_network_denoises_as_the_library_s_does(sd2):
    random = torch.Generator().manual_seed(0)
    x, tokens = torch.randn(1, 4, 8, 8, generator=random), torch.randn(1, 77, 8, generator=random)
    sigma = sd2.model.noise.sigmas[500]
    network = tiny.unet(2, **tiny.LINEAR)
    network.load_state_dict(with_marker(network, sd2))
    fed = x / (sigma**2 + 1) ** 0.5
    expected = x - sigma * network(fed, 500, encoder_hidden_states=tokens).sample
    assert torch.allclose(sd2.model.denoised(x, sigma, tokens), expected, atol=1e-4)


def with_marker(network: torch.nn.Module, checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """The weights of the small network, with the bias that the file has otherwise."""
    name = "up_blocks.1.attentions.1.transformer_blocks.0.norm1.bias"
    with checkpoint.model.network.resident() as module:
        return network.state_dict() | {name: module.state_dict()[name]}


@pytest.mark.parametrize(("spread", "expected"), [(0.0, EPSILON), (0.02, EPSILON), (1.0, VELOCITY)])
def test_the_spread_of_a_bias_tells_what_the_network_predicts(tmp_path, spread, expected):
    (tmp_path / "checkpoints").mkdir()
    tiny.save_sd2(tmp_path / "checkpoints" / "some.safetensors", spread=spread)
    assert tiny.library(tmp_path).checkpoint("some.safetensors").model.prediction is expected


@pytest.mark.parametrize(
    ("said", "spread", "expected"), [("epsilon", 1.0, EPSILON), ("v_prediction", 0.0, VELOCITY)]
)
def test_the_metadata_outweighs_the_bias(tmp_path, said, spread, expected):
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / "some.safetensors"
    tiny.save_sd2(path, {"prediction_type": said}, spread=spread)
    assert tiny.library(tmp_path).checkpoint("some.safetensors").model.prediction is expected


def test_an_inpainting_network_predicts_noise_whatever_its_bias():
    header = header_of(original_unet(UNET, **CONFIG, in_channels=9))
    assert SD2.sampling(header, lambda _key: torch.tensor([-9.0, 9.0])).prediction is EPSILON


@pytest.mark.parametrize(
    ("key", "shape", "reason"),
    [
        ("label_emb.0.0.weight", (1280, 768), "768 numbers"),
        ("input_blocks.1.1.time_stack.0.norm1.weight", (320,), "video"),
    ],
)
def test_networks_of_the_same_width_that_do_something_else_are_refused(full, key, shape, reason):
    more = {f"model.diffusion_model.{key}": torch.empty(shape, device="meta")}
    assert reason in SD2.refuses(header_of(original_unet(UNET, **CONFIG) | more))


def test_a_network_that_follows_pictures_is_of_this_family_and_predicts_velocity():
    more = {"model.diffusion_model.label_emb.0.0.weight": torch.empty(1280, 2048, device="meta")}
    header = header_of(original_unet(UNET, **CONFIG) | more)
    assert SD2.refuses(header) is None
    assert SD2.sampling(header, lambda _key: torch.zeros(2)).prediction is VELOCITY


@pytest.mark.parametrize("width", [2048, 1536], ids=("h", "l"))
def test_no_weight_of_a_full_size_network_that_follows_pictures_is_missing_or_left_over(width):
    settings = {"class_embed_type": "projection", "projection_class_embeddings_input_dim": width}
    header = header_of(original_unet(UNET, **CONFIG, **settings))
    assert [family.name for family in FAMILIES if family.refuses(header) is None] == ["sd2"]
    network = SD2.parts(header).network
    assert faults(header, network) == []
    assert network.shape(header, "class_embedding.linear_1.weight") == (1280, width)


def test_a_small_file_is_recognised(family_models):
    assert recognised(read_header(family_models / "checkpoints" / tiny.SD2)) is SD2
