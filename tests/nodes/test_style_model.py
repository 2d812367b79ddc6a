import pytest
import torch

from diffusion.clip_vision import Seen
from diffusion.errors import DiffusionError
from diffusion.values import Conditioning, Prompt
from graph.define import spec_of
from nodes.style_model import apply_style_model, load_style_model

SEEN = Seen(torch.zeros(1, 4), torch.zeros(1, 5, 16), torch.zeros(1, 5, 16))


def test_the_nodes_are_the_field_s():
    found = [
        (spec.type, spec.category, spec.title, [each.name for each in spec.inputs])
        for spec in map(spec_of, (load_style_model, apply_style_model))
    ]
    inputs = ["conditioning", "style_model", "clip_vision_output", "strength", "strength_type"]
    assert found == [
        ("StyleModelLoader", "loaders", "Load Style Model", ["style_model_name"]),
        ("StyleModelApply", "conditioning/style_model", "Apply Style Model", inputs),
    ]


def test_a_strength_that_no_model_here_knows_is_refused():
    prompt = Conditioning((Prompt(torch.zeros(1, 77, 8)),))
    with pytest.raises(DiffusionError, match="Choose 'multiply'"):
        apply_style_model(prompt, None, SEEN, 0.5, "attn_bias")
