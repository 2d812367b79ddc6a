from pathlib import Path

import pytest
import torch

from diffusion.encode import encode
from diffusion.library import ModelLibrary
from diffusion.values import Conditioning, Image, Prompt
from graph.define import spec_of
from nodes.controlnet import (
    apply_controlnet,
    apply_controlnet_old,
    apply_controlnet_with_vae,
    encode_for_controlnets,
    load_diff_controlnet,
    set_union_controlnet_type,
)
from tests import tiny

PROMPT = Conditioning((Prompt(torch.zeros(1, 77, tiny.WIDTH)), Prompt(torch.ones(1, 77, tiny.WIDTH))))
HINT = Image(torch.rand(1, 64, 64, 3))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ModelLibrary:
    """A library on small models."""
    return tiny.library(tiny.models(Path(tmp_path_factory.mktemp("models"))))


@pytest.fixture
def net(library):
    return library.controlnet(tiny.CONTROLNET)


def test_the_control_node_is_the_field_s():
    spec = spec_of(apply_controlnet)
    assert (spec.type, spec.category, spec.title) == (
        "ControlNetApplyAdvanced",
        "conditioning/controlnet",
        "Apply ControlNet",
    )
    assert [each.name for each in spec.outputs] == ["positive", "negative"]
    assert [each.name for each in spec.inputs if each.optional] == ["vae"]


def test_its_numbers_have_the_field_s_limits():
    numbers = {
        each.name: (each.default, each.widget.high, each.widget.step)
        for each in spec_of(apply_controlnet).inputs
        if each.type == "FLOAT"
    }
    assert numbers == {
        "strength": (1.0, 10.0, 0.01),
        "start_percent": (0.0, 1.0, 0.001),
        "end_percent": (1.0, 1.0, 0.001),
    }


def test_every_entry_of_both_sides_gets_the_same_control(net):
    steered = apply_controlnet(PROMPT, PROMPT, net, HINT, 0.5, 0.1, 0.9)
    controls = {entry.controls for side in steered for entry in side.entries}
    ((control,),) = controls
    assert (control.strength, control.start, control.end) == (0.5, 0.1, 0.9)


def test_controls_are_chained(net):
    once = apply_controlnet(PROMPT, PROMPT, net, HINT)
    twice = apply_controlnet(*once, net, HINT)
    assert len(twice.positive.entries[0].controls) == 2


def test_strength_zero_gives_the_same_conditionings(net):
    assert apply_controlnet(PROMPT, PROMPT, net, HINT, 0.0) == (PROMPT, PROMPT)


def test_the_older_nodes_give_the_same_control(net, library):
    vae = library.checkpoint(tiny.CHECKPOINT).vae
    steered = apply_controlnet_with_vae(PROMPT, PROMPT, net, vae, HINT, 0.5)
    old = apply_controlnet_old(PROMPT, net, HINT, 0.5)
    assert [each.entries[0].controls[0].strength for each in (*steered, old)] == [0.5] * 3
    assert [each.entries[0].controls[0].everywhere for each in (*steered, old)] == [False, False, True]
    assert apply_controlnet_old(PROMPT, net, HINT, 0.0) is PROMPT


def test_a_kind_of_hint_can_be_left_to_the_network(net):
    assert set_union_controlnet_type(net, "auto").kind is None


def test_the_kinds_of_hints_are_the_field_s():
    options = spec_of(set_union_controlnet_type).inputs[1].widget.options
    assert (options[0], options[-1], len(options)) == ("auto", "repaint", 9)


def test_the_controls_of_every_entry_are_told_another_text(library):
    clip = library.checkpoint(tiny.CHECKPOINT).text_encoder
    told = encode_for_controlnets(clip, PROMPT, "edges")
    (expected,) = encode(clip, "edges").entries
    assert all(torch.equal(each.control_text.tokens, expected.tokens) for each in told.entries)
    assert [each.tokens for each in told.entries] == [each.tokens for each in PROMPT.entries]


def test_a_complete_control_can_be_loaded_as_a_difference(library):
    model = library.checkpoint(tiny.CHECKPOINT).model
    assert load_diff_controlnet(model, tiny.CONTROLNET, library=library).patches == ()
