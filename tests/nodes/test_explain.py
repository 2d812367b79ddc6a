import pytest
import torch

from diffusion.schedules import SCHEDULES
from diffusion.values import Latent
from graph.errors import WorkflowError
from nodes.explain import (
    ksampler_every_step,
    noise_strip,
    schedule_plot,
    sweep,
    sweep_sheet,
    values_in,
)
from nodes.sampling import ksampler
from tests.diffusion.toy import says, toy_model

EMPTY = Latent(torch.zeros(2, 4, 8, 8))
GREY = torch.full((1, 16, 16, 3), 0.5)


def test_the_strip_goes_from_the_picture_to_static():
    image, strip = noise_strip(GREY, time=0.0, frames=4)
    assert torch.allclose(image, GREY)
    assert strip.shape[2] > 4 * 16


def test_the_schedule_that_was_chosen_stands_out():
    pages = [schedule_plot(toy_model(), name, steps=5) for name in SCHEDULES]
    assert all(not torch.equal(pages[0], page) for page in pages[1:])


def test_every_step_ends_where_the_plain_sampler_does():
    settings = {"steps": 5, "cfg": 2.0, "seed": 5}
    end, steps = ksampler_every_step(toy_model(), says(1), says(0), EMPTY, **settings)
    assert torch.equal(end.samples, ksampler(toy_model(), says(1), says(0), EMPTY, **settings).samples)
    assert steps.samples.shape == (5, 4, 8, 8)
    assert torch.allclose(steps.samples[-1], end.samples[0], atol=1e-5)


def test_without_steps_to_take_there_is_one_picture_to_leaf_through():
    _, steps = ksampler_every_step(toy_model(), says(1), says(0), EMPTY, denoise=0.0)
    assert steps.samples.shape == (1, 4, 8, 8)


def test_values_are_numbers_where_they_can_be():
    assert values_in("2, 4.5\n euler ,, -1") == [2, 4.5, "euler", -1]
    assert [type(value) for value in values_in("2, 2.0, x")] == [int, float, str]


def test_a_sweep_gives_every_pair_row_by_row():
    x, y, labels = sweep("cfg", "2, 4", "steps", "5, 10, 20")
    assert list(zip(x, y, strict=True)) == [(2, 5), (4, 5), (2, 10), (4, 10), (2, 20), (4, 20)]
    page = sweep_sheet([GREY] * 6, [labels])
    assert page.shape[1] > 3 * 16
    assert page.shape[2] > 2 * 16


def test_one_row_of_values_makes_one_row():
    x, y, labels = sweep("cfg", "2, 4")
    assert (x, y, labels.labels.rows) == ([2, 4], [], ("",))


def test_a_sweep_over_nothing_is_refused():
    with pytest.raises(WorkflowError, match="no values"):
        sweep("cfg", " , ")
