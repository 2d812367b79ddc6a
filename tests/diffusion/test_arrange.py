import pytest
import torch

from diffusion.arrange import COLORS, Gap, batched, crop, padded_to, plain, rebatched, stitched
from diffusion.values import Image

PICTURE = Image(torch.rand(2, 6, 8, 3, generator=torch.Generator().manual_seed(0)))
NONE = Gap(0, COLORS["white"])


def test_a_plain_picture_has_one_colour():
    assert plain((2, 3), (0.1, 0.2, 0.3), 4).reshape(-1, 3).unique(dim=0).shape == (1, 3)


@pytest.mark.parametrize(("place", "size"), [((0, 0), (4, 3)), ((6, 4), (2, 2)), ((100, 100), (1, 1))])
def test_a_part_begins_inside_the_picture(place, size):
    width, height = size
    assert crop(PICTURE, 4, 3, *place).shape == (2, height, width, 3)


def test_a_batch_has_the_size_of_its_first_and_all_channels():
    made = batched((PICTURE, Image(torch.rand(1, 20, 20, 4))))
    assert made.shape == (3, 6, 8, 4) and bool((made[:2, ..., 3] == 1).all())


def test_pictures_are_sorted_into_batches_of_one_size():
    made = rebatched((PICTURE, PICTURE, Image(torch.rand(1, 3, 3, 3))), 3)
    assert [tuple(each.shape) for each in made] == [(3, 6, 8, 3), (1, 6, 8, 3), (1, 3, 3, 3)]


def test_bars_fill_what_a_picture_leaves():
    made = padded_to(PICTURE, 16, 16, COLORS["white"], "area")
    assert made.shape == (2, 16, 16, 3)
    assert (
        bool((made[:, :2] == 1).all()) and bool((made[:, -2:] == 1).all()) and bool((made[:, 2:14] < 1).any())
    )


@pytest.mark.parametrize(
    ("side", "size"), [("right", (6, 14)), ("left", (6, 14)), ("down", (14, 8)), ("up", (14, 8))]
)
def test_a_stitched_picture_is_scaled_to_the_side_it_touches(side, size):
    assert stitched(PICTURE, Image(torch.rand(1, 3, 3, 3)), side, True, NONE).shape == (2, *size, 3)


def test_without_scaling_black_fills_up():
    made = stitched(Image(torch.ones(1, 6, 8, 3)), Image(torch.ones(1, 2, 2, 3)), "right", False, NONE)
    assert made[0, :, 8, 0].tolist() == [0, 0, 1, 1, 0, 0]


def test_left_puts_the_second_first():
    made = stitched(PICTURE, Image(torch.zeros(2, 6, 8, 3)), "left", True, NONE)
    assert torch.equal(made[:, :, 8:], PICTURE) and not made[:, :, :8].any()


def test_a_gap_has_its_colour_and_an_even_width():
    made = stitched(PICTURE, PICTURE, "right", True, Gap(3, COLORS["red"]))
    assert made.shape == (2, 6, 20, 3) and made[0, 0, 8:12].tolist() == [[1, 0, 0]] * 4
