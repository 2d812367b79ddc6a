import pytest

from diffusion.blocks import (
    UnetShape,
    VaeShape,
    control_names,
    counted,
    inverted,
    read_library_unet_shape,
    read_unet_shape,
    read_vae_shape,
    translated,
    unet_names,
    vae_names,
)
from tests import tiny

FULL = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 768, False, 4)


@pytest.mark.parametrize(
    ("original", "ours"),
    [
        ("input_blocks.0.0.weight", "conv_in.weight"),
        ("input_blocks.1.0.in_layers.2.weight", "down_blocks.0.resnets.0.conv1.weight"),
        ("input_blocks.3.0.op.bias", "down_blocks.0.downsamplers.0.conv.bias"),
        ("input_blocks.4.1.proj_in.weight", "down_blocks.1.attentions.0.proj_in.weight"),
        ("input_blocks.11.0.out_layers.3.weight", "down_blocks.3.resnets.1.conv2.weight"),
        ("middle_block.1.norm.weight", "mid_block.attentions.0.norm.weight"),
        ("output_blocks.2.1.conv.weight", "up_blocks.0.upsamplers.0.conv.weight"),
        ("output_blocks.5.2.conv.weight", "up_blocks.1.upsamplers.0.conv.weight"),
        ("output_blocks.11.1.proj_out.bias", "up_blocks.3.attentions.2.proj_out.bias"),
        ("time_embed.2.weight", "time_embedding.linear_2.weight"),
        ("out.2.bias", "conv_out.bias"),
        ("label_emb.0.0.weight", None),
    ],
)
def test_the_blocks_of_stable_diffusion_have_these_two_names(original, ours):
    assert translated(original, unet_names(FULL)) == ours


def test_no_two_blocks_share_a_name():
    names = unet_names(FULL)
    assert len(inverted(names)) == len(names)


def test_the_decoder_of_a_vae_counts_its_levels_the_other_way_round():
    names = vae_names(VaeShape((128, 256, 512, 512), 2, 4))
    ours = translated("decoder.up.3.block.2.nin_shortcut.weight", names)
    assert ours == "decoder.up_blocks.0.resnets.2.conv_shortcut.weight"


def test_the_attention_of_a_vae_has_the_library_s_names():
    names = vae_names(VaeShape((128, 256, 512, 512), 2, 4))
    assert translated("encoder.mid.attn_1.q.weight", names) == "encoder.mid_block.attentions.0.to_q.weight"


def test_the_hint_of_a_controlnet_ends_in_its_last_convolution():
    ours = translated("input_hint_block.14.weight", control_names(FULL))
    assert ours == "controlnet_cond_embedding.conv_out.weight"


def test_the_shape_of_a_unet_is_read_from_original_names():
    names = inverted(unet_names(tiny.unet_shape()))
    shapes = {translated(key, names): tuple(value.shape) for key, value in tiny.unet().state_dict().items()}
    assert read_unet_shape(shapes) == tiny.unet_shape()


def test_the_shape_of_a_unet_is_read_from_the_library_s_names():
    shapes = {key: tuple(value.shape) for key, value in tiny.unet().state_dict().items()}
    assert read_library_unet_shape(shapes) == tiny.unet_shape()


def test_the_shape_of_a_vae_is_read_from_original_names():
    names = inverted(vae_names(tiny.vae_shape()))
    shapes = {translated(key, names): tuple(value.shape) for key, value in tiny.vae().state_dict().items()}
    assert read_vae_shape(shapes) == tiny.vae_shape()


def test_something_else_has_no_shape():
    assert read_unet_shape({"a": (1,)}) is None and read_vae_shape({"a": (1,)}) is None


def test_members_of_a_list_are_counted_by_their_highest_number():
    assert counted({"a.0.x": (), "a.2.x": (), "a.b": (), "ab.7": ()}, "a") == 3
