import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.errors import BrokenFile, FamilyMismatch
from diffusion.lora import split_role, with_lora
from diffusion.model import TextEncoder
from tests import tiny

NAME = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
KOHYA = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"


@pytest.fixture
def folder(tmp_path):
    """An own models folder, to add LoRAs."""
    return tiny.models(tmp_path)


@pytest.fixture
def library(folder):
    return tiny.library(folder)


@pytest.fixture
def apply(folder, library):
    """Write tensors as a LoRA and put it on the small checkpoint."""

    def applied(tensors, model=None, text_encoder=None, **strengths):
        save_file(tensors, folder / "loras" / "made.safetensors")
        own, text, _vae = library.checkpoint(tiny.CHECKPOINT)
        lora = library.lora("made.safetensors")
        return with_lora(model or own, text_encoder or text, lora, **strengths)

    return applied


def weight(value, name: str = NAME) -> torch.Tensor:
    """A weight of a model or text encoder with its patches."""
    held = value.towers[0] if isinstance(value, TextEncoder) else value
    with held.network.resident(held.patches) as module:
        return module.get_parameter(f"{name}.weight").clone()


def pair(
    module: str = KOHYA, rows: int = 8, columns: int = 8, rank: int = 2, **more
) -> dict[str, torch.Tensor]:
    """The two matrices of a LoRA on one module."""
    random = torch.Generator().manual_seed(1)
    up, down = torch.randn(rows, rank, generator=random), torch.randn(rank, columns, generator=random)
    return {f"{module}.lora_up.weight": up, f"{module}.lora_down.weight": down, **more}


def product(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """What a LoRA adds, without scale."""
    up, down = (
        next(value for key, value in tensors.items() if end in key) for end in (".lora_up", ".lora_down")
    )
    return up @ down


def test_a_lora_adds_the_product_of_its_matrices(apply, library):
    tensors, plain = pair(), weight(library.checkpoint(tiny.CHECKPOINT).model)
    assert torch.allclose(weight(apply(tensors).model), plain + product(tensors), atol=1e-6)


def test_alpha_over_rank_scales_a_lora(apply, library):
    tensors, plain = pair(), weight(library.checkpoint(tiny.CHECKPOINT).model)
    patched = apply(tensors | {f"{KOHYA}.alpha": torch.tensor(1.0)}).model
    assert torch.allclose(weight(patched), plain + product(tensors) / 2, atol=1e-6)


def test_a_lora_that_names_the_shape_of_its_weight_is_applied(apply, library):
    tensors, plain = pair(), weight(library.checkpoint(tiny.CHECKPOINT).model)
    patched = apply(tensors | {f"{KOHYA}.reshape_weight": torch.tensor([8, 8])})
    assert patched.unmatched == ()
    assert torch.allclose(weight(patched.model), plain + product(tensors), atol=1e-6)


def test_strength_scales_a_lora(apply, library):
    tensors, plain = pair(), weight(library.checkpoint(tiny.CHECKPOINT).model)
    patched = apply(tensors, strength_model=-0.5).model
    assert torch.allclose(weight(patched), plain - product(tensors) / 2, atol=1e-6)


def test_two_loras_add_up(apply, library):
    tensors, plain = pair(), weight(library.checkpoint(tiny.CHECKPOINT).model)
    once = apply(tensors)
    twice = apply(tensors, once.model, once.text_encoder).model
    assert torch.allclose(weight(twice), plain + 2 * product(tensors), atol=1e-5)


def test_the_model_without_the_lora_stays_bit_for_bit_the_same(apply, library):
    model = library.checkpoint(tiny.CHECKPOINT).model
    before = weight(model)
    weight(apply(pair()).model)
    assert torch.equal(weight(model), before)


def test_strength_zero_gives_the_same_values(apply, library):
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    patched = apply(pair(), strength_model=0.0, strength_text=0.0)
    assert patched.model is model and patched.text_encoder is text


def test_a_lora_on_a_convolution_is_flattened(apply, library):
    module, name = "lora_unet_input_blocks_1_0_in_layers_2", "down_blocks.0.resnets.0.conv1"
    down, up = torch.randn(2, 8, 3, 3), torch.randn(8, 2, 1, 1)
    plain = weight(library.checkpoint(tiny.CHECKPOINT).model, name)
    patched = apply({f"{module}.lora_down.weight": down, f"{module}.lora_up.weight": up}).model
    expected = plain + torch.einsum("or,rikl->oikl", up[:, :, 0, 0], down)
    assert torch.allclose(weight(patched, name), expected, atol=1e-5)


def test_whole_differences_are_added(apply, library):
    plain = weight(library.checkpoint(tiny.CHECKPOINT).model, "conv_norm_out")
    patched = apply({"diffusion_model.out.0.diff": torch.ones(16)[:8]}, strength_model=0.5).model
    assert torch.allclose(weight(patched, "conv_norm_out"), plain + 0.5)


@pytest.mark.parametrize("style", ["kohya", "original", "diffusers"])
def test_every_key_of_each_style_finds_its_place(folder, library, style):
    tiny.save_lora(folder / "loras" / "a.safetensors", style)
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    patched = with_lora(model, text, library.lora("a.safetensors"))
    counts = [len(each.patches[0].names()) for each in (patched.model, patched.text_encoder.towers[0])]
    assert (patched.unmatched, counts) == ((), [28, 3])


@pytest.mark.parametrize("style", ["kohya", "original", "diffusers"])
def test_every_key_finds_its_place_in_a_model_of_library_names(folder, library, style):
    (folder / "diffusion_models").mkdir()
    tiny.saved(folder / "diffusion_models" / "library.safetensors", tiny.unet().state_dict())
    tiny.save_lora(folder / "loras" / "a.safetensors", style)
    model = library.diffusion_model("library.safetensors")
    patched = with_lora(model, None, library.lora("a.safetensors")).model
    assert len(patched.patches[0].names()) == 28


def test_kohya_and_original_names_mean_the_same(folder, library):
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    changed = []
    for style in ("kohya", "original"):
        tiny.save_lora(folder / "loras" / f"{style}.safetensors", style)
        changed.append(weight(with_lora(model, text, library.lora(f"{style}.safetensors")).model))
    assert torch.equal(*changed)


@pytest.mark.parametrize(
    ("key", "split"),
    [
        ("lora_unet_x.lora_up.weight", ("lora_unet_x", "up")),
        ("unet.a.to_q.lora_A.weight", ("unet.a.to_q", "down")),
        ("unet.a.processor.to_q_lora.down.weight", ("unet.a.processor.to_q", "down")),
        ("a.to_q.lora_linear_layer.up.weight", ("a.to_q", "up")),
        ("a.to_q.lora_B.default.weight", ("a.to_q", "up")),
        ("a.lora_A", ("a", "down")),
        ("a.lora.up.weight", ("a", "up")),
        ("a.alpha", ("a", "alpha")),
        ("a.hada_w1_a", ("a", "hada_w1_a")),
    ],
)
def test_the_end_of_a_key_tells_its_role(key, split):
    assert split_role(key) == split


@pytest.mark.parametrize("module", [f"unet.{NAME.replace('to_q', 'processor.to_q')}", f"unet.{NAME}", NAME])
def test_dotted_names_find_their_place(apply, module):
    assert apply(pair(module)).unmatched == ()


def test_the_text_encoder_is_patched_and_rounded_to_float16(apply, library):
    name = "encoder.layers.0.self_attn.q_proj"
    plain = weight(library.checkpoint(tiny.CHECKPOINT).text_encoder, name)
    tensors = pair("lora_te_text_model_encoder_layers_0_self_attn_q_proj")
    expected = (plain + product(tensors)).half().float()
    assert torch.equal(weight(apply(tensors).text_encoder, name), expected)


def test_keys_that_fit_nothing_are_told(apply, caplog):
    patched = apply(pair() | pair("lora_unet_nowhere"))
    assert patched.unmatched == ("lora_unet_nowhere.lora_down.weight", "lora_unet_nowhere.lora_up.weight")
    assert "2 keys fit nothing" in caplog.text


def test_a_tensor_of_an_unknown_kind_is_told_and_those_beside_it_are_applied(apply, library):
    plain = weight(library.checkpoint(tiny.CHECKPOINT).model)
    tensors, alone = pair(), "lora_unet_conv_in.ia3_scale"
    odd = {f"{KOHYA}.bias_indices": torch.ones(2, 3), alone: torch.ones(8, 1)}
    patched = apply(tensors | odd)
    assert sorted(patched.unmatched) == [alone, f"{KOHYA}.bias_indices"]
    assert torch.allclose(weight(patched.model), plain + product(tensors), atol=1e-6)


def test_a_lora_of_another_family_is_refused(apply):
    with pytest.raises(FamilyMismatch, match="has a place"):
        apply(pair("transformer.double_blocks.0.img_attn.qkv"))


def test_a_lora_of_another_family_is_refused_though_it_fits_the_text_encoder(apply, library):
    text = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
    both = pair("lora_unet_double_blocks_0_img_attn_qkv") | pair(text)
    with pytest.raises(FamilyMismatch, match="none of its 1 parts has a place"):
        apply(both)
    alone = apply(both, strength_model=0.0)
    assert alone.model is library.checkpoint(tiny.CHECKPOINT).model
    assert alone.text_encoder.towers[0].patches and apply(pair(text)).text_encoder.towers[0].patches


def test_a_lora_of_another_family_without_strength_changes_nothing(apply, library):
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    other = pair("transformer.double_blocks.0.img_attn.qkv")
    patched = apply(other, strength_model=0.0, strength_text=0.0)
    assert patched.model is model and patched.text_encoder is text


def test_a_lora_of_another_width_is_refused_with_both_sizes(apply):
    with pytest.raises(FamilyMismatch, match="8 x 2048 in the LoRA, but 8 x 8"):
        apply(pair(columns=2048))


def test_an_empty_lora_is_refused(apply):
    with pytest.raises(BrokenFile, match="empty"):
        apply({})


def test_a_lora_in_half_precision_is_computed_in_float32(folder, library):
    path = tiny.save_lora(folder / "loras" / "a.safetensors")
    save_file({key: value.half() for key, value in load_file(path).items()}, path)
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    assert weight(with_lora(model, text, library.lora("a.safetensors")).model).dtype == torch.float32


def test_without_a_text_encoder_only_the_model_is_changed(apply, library):
    tensors = pair() | pair("lora_te_text_model_encoder_layers_0_self_attn_q_proj")
    save = apply(tensors, strength_text=0.0)
    alone = with_lora(library.checkpoint(tiny.CHECKPOINT).model, None, library.lora("made.safetensors"))
    assert (len(alone.model.patches), alone.text_encoder, alone.unmatched) == (1, None, ())
    assert torch.equal(weight(alone.model), weight(save.model))


def test_a_lora_can_set_lengths(apply, library):
    tensors, plain = pair(), weight(library.checkpoint(tiny.CHECKPOINT).model)
    patched = weight(apply(tensors | {f"{KOHYA}.dora_scale": torch.full((1, 8), 3.0)}).model)
    assert torch.allclose(patched.norm(dim=0), torch.full((8,), 3.0), atol=1e-4)
    turned = plain + product(tensors)
    assert torch.allclose(patched, turned / turned.norm(dim=0) * 3, atol=1e-4)


@pytest.mark.parametrize("kind", ["loha", "lokr", "glora", "oft"])
def test_every_kind_of_change_finds_its_place_in_a_model(apply, kind):
    random = torch.Generator().manual_seed(2)
    shapes = {
        "loha": {"hada_w1_a": (8, 2), "hada_w1_b": (2, 8), "hada_w2_a": (8, 2), "hada_w2_b": (2, 8)},
        "lokr": {"lokr_w1": (2, 4), "lokr_w2_a": (4, 1), "lokr_w2_b": (1, 2)},
        "glora": {"a1.weight": (8, 2), "a2.weight": (2, 8), "b1.weight": (8, 2), "b2.weight": (2, 8)},
        "oft": {"oft_blocks": (2, 4, 4)},
    }[kind]
    tensors = {f"{KOHYA}.{role}": torch.randn(shape, generator=random) for role, shape in shapes.items()}
    patched = apply(tensors)
    assert (patched.unmatched, list(patched.model.patches[0].names())) == ((), [f"{NAME}.weight"])
    assert weight(patched.model).isfinite().all()


def test_a_kind_that_does_not_fit_the_weight_is_refused(apply):
    tensors = {f"{KOHYA}.lokr_w1": torch.ones(3, 3), f"{KOHYA}.lokr_w2": torch.ones(3, 3)}
    with pytest.raises(FamilyMismatch, match="9 x 9 in the LoRA, but 8 x 8"):
        apply(tensors)
