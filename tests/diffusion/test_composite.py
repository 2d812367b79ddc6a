import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.composite import (
    BLENDS,
    Place,
    blended,
    combined,
    faded_edges,
    matched,
    pasted,
    pasted_image,
)
from diffusion.values import Image, Mask

BLACK = Image(torch.zeros(2, 6, 8, 3))
WHITE = Image(torch.ones(1, 2, 3, 3))
GREY = torch.full((1, 4, 4, 3), 0.25)


def covered(image: torch.Tensor) -> list[tuple[int, int]]:
    """The rows and columns of the first picture that are not black."""
    return [tuple(cell) for cell in image[0, ..., 0].nonzero().tolist()]


def test_a_picture_is_pasted_at_its_place_on_every_picture_of_a_batch():
    made = pasted_image(BLACK, WHITE, Place(2, 1), False, None)
    assert covered(made) == [(1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (2, 4)]
    assert torch.equal(made[0], made[1])


def test_what_does_not_fit_is_cut_off():
    assert covered(pasted_image(BLACK, WHITE, Place(7, 5), False, None)) == [(5, 7)]


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_pasting_changes_no_more_than_what_is_pasted(x, y):
    made = pasted(torch.zeros(1, 1, 6, 8), torch.ones(1, 1, 2, 3), Place(x, y))
    rows, columns = (len(range(max(0, a), max(0, min(b, a + c)))) for a, b, c in ((y, 6, 2), (x, 8, 3)))
    assert made.sum() == rows * columns


def test_only_what_the_mask_selects_is_pasted():
    half = Mask(torch.tensor([[[0.0, 0.5, 1.0]] * 2]))
    made = pasted_image(BLACK, WHITE, Place(0, 0), False, half)
    assert made[0, 0, :4, 0].tolist() == [0, 0.5, 1, 0]


def test_what_is_pasted_can_be_made_as_large_as_the_whole():
    assert torch.allclose(pasted_image(BLACK, WHITE, Place(0, 0), True, None), torch.ones(2, 6, 8, 3))


def test_a_picture_without_transparency_is_opaque_on_one_that_has_some():
    clear = Image(torch.zeros(1, 6, 8, 4))
    assert pasted_image(clear, WHITE, Place(0, 0), False, None)[0, 0, 0].tolist() == [1, 1, 1, 1]


def test_what_lies_below_is_not_changed():
    below = torch.zeros(1, 1, 4, 4)
    pasted(below, torch.ones(1, 1, 2, 2), Place(0, 0))
    assert not below.any()


def test_sides_inside_the_whole_fade_and_the_others_do_not():
    mask = faded_edges(torch.zeros(1, 4, 4, 6), Place(0, 2), torch.zeros(1, 4, 10, 20), 2)
    assert mask[0, 0, :, 0].tolist() == [0.5, 1, 1, 0.5]
    assert mask[0, 0, 1].tolist() == [1, 1, 1, 1, 1, 0.5]


@pytest.mark.parametrize("mode", BLENDS)
def test_a_blend_that_does_not_count_leaves_the_picture(mode):
    assert torch.equal(blended(Image(GREY), Image(1 - GREY), 0.0, mode), GREY)


@pytest.mark.parametrize(
    ("mode", "value"),
    [
        ("normal", 0.5),
        ("multiply", 0.125),
        ("screen", 0.625),
        ("overlay", 0.25),
        ("soft_light", 0.25),
        ("difference", 0.0),
    ],
)
def test_a_whole_blend_of_a_quarter_with_a_half(mode, value):
    made = blended(Image(GREY), Image(GREY * 2), 1.0, mode)
    assert torch.allclose(made, torch.full_like(GREY, value))


def test_half_a_blend_lies_between():
    assert torch.allclose(blended(Image(GREY), Image(GREY * 3), 0.5, "normal"), GREY * 2)


def test_a_picture_is_matched_in_size_and_channels():
    assert matched(Image(torch.rand(1, 5, 9, 4)), BLACK).shape == (1, 6, 8, 3)


@pytest.mark.parametrize(
    ("operation", "value"),
    [("multiply", 0.25), ("add", 1.0), ("subtract", 0.0), ("and", 0.0), ("or", 0.0), ("xor", 0.0)],
)
def test_masks_are_combined_only_where_they_meet(operation, value):
    below = Mask(torch.full((1, 2, 3), 0.5))
    made = combined(below, Mask(torch.full((1, 1, 2), 0.5)), Place(1, 0), operation)
    assert made[0].tolist() == [[0.5, value, value], [0.5, 0.5, 0.5]]
