import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.errors import DiffusionError
from diffusion.filters import (
    bayer,
    bell,
    blurred,
    from_yuv,
    grained,
    quantized,
    reshaped,
    sharpened,
    to_yuv,
)
from diffusion.values import Image

PICTURE = Image(torch.rand(2, 12, 10, 3, generator=torch.Generator().manual_seed(1)))
DOT = torch.zeros(1, 7, 7, 1)
DOT[0, 3, 3] = 1


@given(st.integers(1, 31), st.floats(0.1, 10))
def test_a_bell_adds_up_to_one(radius, sigma):
    assert bell(radius, sigma).shape == (2 * radius + 1, 2 * radius + 1)
    assert float(bell(radius, sigma).sum()) == pytest.approx(1, abs=1e-5)


def test_blurring_spreads_a_dot_evenly():
    soft = blurred(DOT, 1, 1.0)
    assert torch.allclose(soft[0, 2:5, 2:5, 0], bell(1, 1.0)) and float(soft.sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    "change", [lambda grey: blurred(grey, 3, 1.0), lambda grey: sharpened(grey, 3, 1.0, 2)]
)
def test_a_plain_picture_stays_plain(change):
    grey = torch.full((1, 5, 6, 3), 0.5)
    assert torch.allclose(change(grey), grey, atol=1e-4)


def test_a_blur_wider_than_the_picture_is_possible():
    assert blurred(PICTURE, 31, 1.0).shape == PICTURE.shape


def test_sharpening_by_nothing_changes_nothing():
    assert torch.allclose(sharpened(PICTURE, 2, 1.0, 0.0), PICTURE, atol=1e-6)


def test_sharpening_makes_a_step_steeper():
    step = torch.full((1, 9, 9, 1), 0.4)
    step[:, :, 5:] = 0.6
    sharp = sharpened(step, 1, 1.0, 0.1)
    assert float(sharp[0, 4, 4]) < 0.4 and float(sharp[0, 4, 5]) > 0.6


def test_grain_depends_on_its_seed_alone():
    assert torch.equal(grained(PICTURE, 5, 0.5), grained(PICTURE, 5, 0.5))
    assert not torch.equal(grained(PICTURE, 5, 0.5), grained(PICTURE, 6, 0.5))
    assert torch.equal(grained(PICTURE, 5, 0.0), PICTURE)


@pytest.mark.parametrize(
    ("operation", "cells"),
    [
        ("erode", 0),
        ("dilate", 9),
        ("open", 0),
        ("close", 1),
        ("gradient", 9),
        ("bottom_hat", 0),
        ("top_hat", 1),
    ],
)
def test_shapes_grow_and_wear_away(operation, cells):
    assert float(reshaped(DOT, operation, 3).sum()) == cells


def test_borders_do_not_wear_shapes_away():
    assert torch.equal(reshaped(torch.ones(1, 4, 4, 1), "erode", 3), torch.ones(1, 4, 4, 1))


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"])
def test_a_quantized_picture_has_few_colours(dither):
    made = quantized(PICTURE, 5, dither)
    assert made.shape == PICTURE.shape
    assert all(len(picture.reshape(-1, 3).unique(dim=0)) <= 5 for picture in torch.as_tensor(made))


def test_a_picture_of_few_colours_keeps_them():
    picture = (torch.arange(4) / 3).view(1, 2, 2, 1).expand(1, 2, 2, 3)
    assert torch.allclose(quantized(picture, 4, "none"), picture, atol=1 / 255)


@pytest.mark.parametrize("order", [2, 4, 8, 16])
def test_a_pattern_has_every_threshold_once(order):
    assert sorted((bayer(order) * order**2).round().flatten().tolist()) == list(range(order**2))


def test_one_plane_of_colour_serves_a_batch_of_brightness():
    luma, blue, red = to_yuv(PICTURE)
    assert torch.equal(from_yuv(luma, blue[:1], red)[0], from_yuv(luma, blue, red)[0])
    assert from_yuv(luma[:1], blue[:1], red).shape == PICTURE.shape


@pytest.mark.parametrize(
    ("planes", "found"), [(DOT, "1 of 7 x 7 pixels"), (PICTURE[[0, 1, 0]], "3 of 10 x 12 pixels")]
)
def test_brightness_and_colour_of_other_sizes_or_numbers_are_refused(planes, found):
    luma, blue, _red = to_yuv(PICTURE)
    with pytest.raises(DiffusionError, match=f"Y is 2 of 10 x 12 pixels, U is .*, V is {found}. Connect"):
        from_yuv(luma, blue, planes)
