from dataclasses import replace

import pytest
import torch

from diffusion.errors import DiffusionError
from diffusion.guidance import cfg
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.schedules import karras
from diffusion.values import Latent
from graph.errors import WorkflowError
from nodes.skip_layers import (
    numbers,
    skip_layer_guidance,
    skip_layer_guidance_sd3,
    skip_layer_guidance_simple,
)
from tests.diffusion.toy import NOISE, Toy, ToyHandle, says, toy_model


class Doubling(torch.nn.Module):
    """A block as a transformer has them: text and picture in, text and picture out."""

    def forward(self, hidden_states, encoder_hidden_states):
        return encoder_hidden_states, hidden_states * 1.1


class Picture(torch.nn.Module):
    """Calls a block as a transformer does, and keeps the picture."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, noise):
        return self.block(hidden_states=noise, encoder_hidden_states=noise)[1]


class Layered(Toy):
    """A toy with two blocks that change what they are given."""

    def __init__(self):
        super().__init__()
        self.transformer_blocks = torch.nn.ModuleList([Doubling(), Doubling()])
        self.blocks = torch.nn.ModuleList(Picture(block) for block in self.transformer_blocks)


@pytest.fixture
def model():
    return replace(toy_model(), network=ToyHandle(Layered()))


def run(model, scale=3.0):
    guider = Guider(model, (says(1.5),), (says(-1),), cfg(scale))
    job = Job(guider, Latent(torch.zeros(1, 4, 8, 8)), karras(5, NOISE), noise=RunNoise(2))
    return sample(job, lambda *_, **__: None).samples


@pytest.mark.parametrize("node", [skip_layer_guidance, skip_layer_guidance_sd3])
def test_layers_are_left_out_of_one_more_call_between_two_times(model, node):
    run(model)
    plain = len(model.network.module.shapes)
    changed = node(model, "1", scale=2.0, start_percent=0.0, end_percent=1.0)
    assert not torch.equal(run(changed), run(model))
    assert len(model.network.module.shapes) == 2 * plain + 2 * plain
    never = node(model, "1", scale=2.0, start_percent=1.0, end_percent=1.0)
    assert torch.equal(run(never), run(model))


@pytest.mark.parametrize("node", [skip_layer_guidance, skip_layer_guidance_sd3])
def test_numbers_that_no_layer_has_leave_the_picture_as_it_is(model, node):
    changed = node(model, "7, 8, 9", scale=2.0, start_percent=0.0, end_percent=1.0)
    assert torch.allclose(run(changed), run(model), atol=1e-5)


def test_a_rescaled_result_is_another(model):
    strong = skip_layer_guidance(model, "0", scale=9.0, start_percent=0.0, end_percent=1.0)
    even = skip_layer_guidance(model, "0", scale=9.0, start_percent=0.0, end_percent=1.0, rescaling_scale=1.0)
    assert not torch.equal(run(strong), run(even))


def test_the_unwanted_alone_is_seen_without_layers(model):
    changed = skip_layer_guidance_simple(model, "1")
    assert not torch.equal(run(changed), run(model))
    assert torch.equal(run(changed, 1.0), run(model, 1.0))


def test_a_u_net_is_told_what_to_use_instead():
    changed = skip_layer_guidance(toy_model(), "0", start_percent=0.0, end_percent=1.0)
    with pytest.raises(DiffusionError, match="U-Net") as raised:
        run(changed)
    assert "Perturbed-Attention" in raised.value.hint


@pytest.mark.parametrize(("text", "found"), [("7, 8, 9", (7, 8, 9)), ("", ()), (" 3 4,", (3, 4))])
def test_layers_are_told_by_numbers(text, found):
    assert numbers(text) == found


@pytest.mark.parametrize("text", ["7, eight", "-1", "1.5"])
def test_what_is_no_number_is_named(text):
    with pytest.raises(WorkflowError, match="is none"):
        numbers(text)
