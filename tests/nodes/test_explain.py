from dataclasses import replace

import pytest
import torch

from diffusion.samplers import SAMPLERS
from diffusion.schedules import SCHEDULES
from diffusion.sheet import Labels
from diffusion.values import Latent
from graph.catalog import Catalog
from graph.document import read
from graph.errors import WorkflowError
from graph.upgrade import upgrade
from nodes import explain
from nodes.explain import (
    a_value_a_line,
    ksampler_every_step,
    noise_strip,
    schedule_plot,
    sweep,
    sweep_sheet,
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


def test_the_steps_are_a_batch_of_their_own_with_the_mask_of_the_picture_they_show():
    masks = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)])
    pair = replace(EMPTY, noise_mask=masks, batch_index=(1, 2))
    end, steps = ksampler_every_step(toy_model(), says(1), says(0), pair, steps=3)
    assert (end.batch_index, steps.batch_index) == ((1, 2), None)
    assert torch.equal(end.noise_mask, masks)
    assert torch.equal(steps.noise_mask, masks[:1])


def test_a_name_that_nobody_knows_stands_for_the_first_of_its_list():
    def end(sampler, schedule):
        settings = {"steps": 3, "sampler_name": sampler, "scheduler": schedule}
        return ksampler_every_step(toy_model(), says(1), says(0), EMPTY, **settings).latent.samples

    assert torch.equal(end("nope", "nope"), end(next(iter(SAMPLERS)), next(iter(SCHEDULES))))
    assert torch.equal(schedule_plot(toy_model(), "nope"), schedule_plot(toy_model(), next(iter(SCHEDULES))))
    assert noise_strip(GREY, schedule="nope").image.shape == GREY.shape


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("2, 4.5, , -1,+.5", [2, 4.5, -1, 0.5]),
        ("2.0, 1e3, 1.E2, 18446744073709551615", [2, 1000, 100, 2**64 - 1]),
        ("true, False", [True, False]),
        ("yes, no", ["yes", "no"]),
        ("1, 0", [1, 0]),
        ("nan, 2, inf", ["nan", "2", "inf"]),
        ("2024, 7, a fox", ["2024", "7", "a fox"]),
        ("true, story", ["true", "story"]),
        ("1e999, 1_000", ["1e999", "1_000"]),
    ],
)
def test_values_are_switches_or_numbers_where_all_of_them_are_and_texts_otherwise(written, values):
    given = sweep("", written).x
    assert given == values
    assert [type(each) for each in given] == [type(each) for each in values]


def test_a_number_too_large_to_be_exact_stays_as_it_was_written():
    assert [type(each) for each in sweep("", "1e15, 1e30").x] == [int, float]


def test_lines_are_values_with_their_commas():
    written = "a fox, red\n\n an apple, green \n"
    assert sweep("", written).x == ["a fox, red", "an apple, green"]
    assert sweep("", "1, 2\n").x == [1, 2]


def test_labels_say_the_values_as_they_were_written():
    assert sweep("cfg", "2.0, 1e1", "", "yes\nno").sweep.labels == Labels(
        ("cfg 2.0", "cfg 1e1"), ("yes", "no")
    )


def test_a_sweep_saved_when_lines_were_split_at_commas_keeps_its_values():
    saved = b"""{"format": 1, "nodes": {"sweep": {"type": "Sweep", "inputs":
        {"x_name": "cfg", "x_values": "2, 4\\n6", "y_name": "", "y_values": "euler, heun"}}}}"""
    node = upgrade(read(saved), Catalog.collect([explain])).graph.nodes["sweep"]
    swept = sweep(**node.inputs)
    assert (swept.x[:3], swept.y[::3]) == ([2, 4, 6], ["euler", "heun"])
    assert a_value_a_line({"x_values": "a, b\n"}) == {"x_values": "a, b\n"}


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
