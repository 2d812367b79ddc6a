from pathlib import Path

import pytest
import torch

from diffusion.model import TextEncoder
from diffusion.values import Framing
from graph.define import spec_of
from nodes.text import (
    conditioning_average,
    conditioning_concat,
    conditioning_zero_out,
    encode_prompt,
    encode_prompt_refiner,
    encode_prompt_sdxl,
    set_last_layer,
)
from tests import tiny


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    """A small text encoder."""
    library = tiny.library(tiny.models(Path(tmp_path_factory.mktemp("models"))))
    return library.checkpoint(tiny.CHECKPOINT).text_encoder


def test_the_prompt_node_is_the_field_s():
    spec = spec_of(encode_prompt)
    text = spec.inputs[0].widget
    assert (spec.type, spec.category, spec.title) == (
        "CLIPTextEncode",
        "conditioning",
        "CLIP Text Encode (Prompt)",
    )
    assert [each.name for each in spec.inputs] == ["text", "clip"]
    assert (text.multiline, text.dynamic, spec.outputs[0].name) == (True, True, "CONDITIONING")


def test_the_last_layer_node_is_the_field_s():
    spec = spec_of(set_last_layer)
    layer = spec.inputs[1]
    assert (spec.type, spec.category, spec.title) == (
        "CLIPSetLastLayer",
        "conditioning",
        "CLIP Set Last Layer",
    )
    assert (layer.name, layer.default) == ("stop_at_clip_layer", -1)
    assert (layer.widget.low, layer.widget.high, layer.widget.step) == (-24, -1, 1)


def test_a_prompt_becomes_one_entry_of_77_tokens(encoder):
    (entry,) = encode_prompt("a red fox", encoder).entries
    assert entry.tokens.shape == (1, 77, tiny.WIDTH)


def test_stopping_early_changes_the_prompt_and_not_the_encoder(encoder):
    early = encode_prompt("a red fox", set_last_layer(encoder, -2)).entries[0].tokens
    assert not torch.equal(early, encode_prompt("a red fox", encoder).entries[0].tokens)
    assert encoder.stop_at_layer is None


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    """A small text encoder of SDXL."""
    library = tiny.library(tiny.families(Path(tmp_path_factory.mktemp("families"))))
    return library.checkpoint(tiny.SDXL).text_encoder


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (
            encode_prompt_sdxl,
            "clip width height crop_w crop_h target_width target_height text_g text_l",
        ),
        (encode_prompt_refiner, "clip ascore width height text"),
        (conditioning_concat, "conditioning_to conditioning_from"),
        (conditioning_average, "conditioning_to conditioning_from conditioning_to_strength"),
        (conditioning_zero_out, "conditioning"),
    ],
)
def test_the_other_nodes_have_the_field_s_inputs(function, names):
    assert " ".join(each.name for each in spec_of(function).inputs) == names


def test_sdxl_s_node_gives_each_encoder_its_text_and_tells_the_sizes(large):
    (entry,) = encode_prompt_sdxl(large, 1, 2, 3, 4, 5, 6, "a fox", "a hen").entries
    assert entry.framing == Framing(1, 2, 3, 4, 5, 6)
    assert torch.equal(entry.tokens[..., : tiny.WIDTH], tokens(large, "a hen")[..., : tiny.WIDTH])
    assert torch.equal(entry.tokens[..., tiny.WIDTH :], tokens(large, "a fox")[..., tiny.WIDTH :])


def tokens(encoder: TextEncoder, text: str) -> torch.Tensor:
    """The tokens of a prompt."""
    return encode_prompt(text, encoder).entries[0].tokens


def test_the_refiner_s_node_tells_how_beautiful_the_picture_is(encoder):
    (entry,) = encode_prompt_refiner(encoder, 9.0, 64, 32, "a fox").entries
    assert (entry.framing.score, entry.framing.height) == (9.0, 32)


def test_prompts_are_joined_averaged_and_silenced(encoder):
    one, other = (encode_prompt(text, encoder) for text in ("a fox", "a hen"))
    assert conditioning_concat(one, other).entries[0].tokens.shape == (1, 2 * 77, tiny.WIDTH)
    assert torch.equal(conditioning_average(one, other, 1.0).entries[0].tokens, one.entries[0].tokens)
    assert not conditioning_zero_out(one).entries[0].tokens.any()
