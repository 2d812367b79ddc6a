import pytest
import torch

from diffusion.checkpoint import Entry, Header, read_header
from diffusion.strangers import stranger
from tests import tiny


def header_with(*keys: str) -> Header:
    """The header of a file with these tensors."""
    return Header("some.safetensors", {key: Entry(torch.float16, (1,), 0, 0) for key in keys})


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight", "a LoRA"),
        ("unet.down_blocks.0.attn1.to_q.lora_A.weight", "a LoRA"),
        ("lora_te_x.hada_w1_a", "a LoRA"),
        ("lycoris_x.lokr_w1", "a LoRA"),
        ("controlnet_cond_embedding.conv_in.weight", "a ControlNet"),
        ("control_model.input_hint_block.0.weight", "a ControlNet"),
        ("model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight", "Stable Diffusion 3"),
        ("double_blocks.0.img_attn.norm.key_norm.scale", "Flux"),
        ("model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale", "Flux"),
        ("head.modulation", "Wan"),
        ("model.diffusion_model.txt_norm.weight", "Qwen-Image"),
        ("vision_model.encoder.layers.0.layer_norm1.weight", "an image encoder"),
        ("text_model.encoder.layers.0.mlp.fc1.weight", "a text encoder"),
        ("decoder.conv_in.weight", "a VAE"),
        ("first_stage_model.decoder.conv_in.weight", "a VAE"),
        ("conv_first.weight", "an upscaler"),
    ],
)
def test_a_file_is_told_by_a_tensor_that_only_such_files_have(key, what):
    assert stranger(header_with(key, "another")).what == what


def test_flux_2_and_chroma_are_told_from_flux():
    flux = "double_blocks.0.img_attn.norm.key_norm.scale"
    more = ("double_stream_modulation_img.lin.weight", "distilled_guidance_layer.in_proj.weight")
    assert [stranger(header_with(flux, key)).what for key in more] == ["Flux 2", "Chroma"]


def test_a_controlnet_without_a_prefix_is_no_model():
    found = stranger(header_with("input_blocks.0.0.weight", "input_hint_block.0.weight"))
    assert found.what == "a ControlNet"


def test_a_model_with_a_controlnet_beside_it_is_a_model():
    keys = ("model.diffusion_model.input_blocks.0.0.weight", "control_model.input_hint_block.0.weight")
    assert stranger(header_with(*keys)) is None


@pytest.mark.parametrize("name", [tiny.SD2, tiny.SDXL, tiny.REFINER])
def test_no_model_is_a_stranger(family_models, name):
    assert stranger(read_header(family_models / "checkpoints" / name)) is None


def test_an_unknown_file_is_no_known_stranger():
    assert stranger(header_with("a")) is None
