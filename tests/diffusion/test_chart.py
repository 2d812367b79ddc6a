import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.chart import chart, whole_ticks

LINES = {"steep": [(0, 10.0), (1, 0.1), (2, 0)], "flat": [(0, 2.0), (1, 2.0), (2, 0)]}
BLUE = torch.tensor([38, 100, 220]) / 255


def blue(page, column):
    """The rows that hold the standing-out colour in a column."""
    return torch.where((page[0, :, column] - BLUE).abs().amax(-1) < 0.01)[0].float()


def test_the_chosen_line_stands_out_and_falls():
    page = chart(LINES, "steep", "step", "sigma")
    assert page.shape == (1, 400, 640, 3)
    assert blue(page, 60).mean() < blue(page, 300).mean() < blue(page, 560).mean()


@given(st.integers(0, 10_000))
def test_steps_are_marked_by_at_most_ten_whole_numbers(last):
    ticks = list(whole_ticks(last))
    assert ticks[0] == 0
    assert len(ticks) <= 10
    assert last < 2 or len(ticks) >= 3
    assert ticks[-1] <= last


def test_another_choice_is_another_picture():
    assert not torch.equal(chart(LINES, "steep", "step", "sigma"), chart(LINES, "flat", "step", "sigma"))


def test_a_line_of_one_point_is_drawn():
    assert len(blue(chart({"one": [(0, 1.0)]}, "one", "step", "sigma"), 56)) > 0


def test_an_empty_schedule_is_an_empty_chart():
    assert len(blue(chart({"none": []}, "none", "step", "sigma")[:, :, :500], 300)) == 0
