from pathlib import Path

import pytest
import torch

from diffusion.model import TextEncoder
from graph.define import spec_of
from nodes.text import encode_prompt, set_last_layer
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
