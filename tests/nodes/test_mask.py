from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from hypothesis import given
from hypothesis import strategies as st

from nodes.mask import (
    batch_masks,
    crop_mask,
    feather_mask,
    grow_mask,
    image_color_to_mask,
    image_to_mask,
    invert_mask,
    load_image_mask,
    mask_to_image,
    solid_mask,
    threshold_mask,
)

MASK = torch.rand(2, 5, 6, generator=torch.Generator().manual_seed(0))


@dataclass
class Folder:
    """The input folder."""

    root: Path

    def path(self, name):
        return self.root / name


def test_a_colour_of_a_picture_becomes_a_mask(tmp_path):
    PIL.Image.fromarray(np.full((2, 3, 3), (10, 20, 51), np.uint8)).save(tmp_path / "a.png")
    mask = load_image_mask("a.png", "blue", inputs=Folder(tmp_path))
    assert torch.allclose(torch.as_tensor(mask), torch.full((1, 2, 3), 0.2))


def test_inverting_twice_gives_the_mask_back():
    assert torch.allclose(torch.as_tensor(invert_mask(invert_mask(MASK))), MASK)


@given(st.integers(0, 4), st.booleans())
def test_a_grown_mask_covers_the_mask_and_a_shrunk_one_lies_inside(pixels, tapered):
    assert (grow_mask(MASK, pixels, tapered) >= MASK).all()
    assert (grow_mask(MASK, -pixels, tapered) <= MASK).all()


def test_a_mask_is_feathered_on_the_side_asked_for():
    assert feather_mask(torch.ones(1, 2, 4), 2)[0, 0].tolist() == [0.5, 1, 1, 1]


def test_a_mask_shown_as_a_picture_is_the_mask_again_in_every_colour():
    assert torch.equal(torch.as_tensor(image_to_mask(mask_to_image(MASK), "green")), MASK)


def test_a_picture_without_alpha_is_taken_to_be_opaque():
    assert image_to_mask(torch.zeros(1, 2, 2, 3), "alpha").unique().tolist() == [1]


def test_a_colour_is_selected():
    image = torch.tensor([[[[1.0, 0.5, 0.0], [1.0, 0.0, 0.0]]]])
    assert image_color_to_mask(image, 0xFF8000).tolist() == [[[1.0, 0.0]]]


def test_a_solid_mask_is_the_same_everywhere():
    assert solid_mask(0.25, 3, 2).tolist() == [[[0.25] * 3] * 2]


def test_a_part_of_a_mask_is_cut_out():
    assert crop_mask(torch.arange(12.0).view(1, 3, 4), 1, 2, 5, 5).tolist() == [[[9, 10, 11]]]


def test_a_threshold_leaves_no_shades():
    assert threshold_mask(torch.tensor([[[0.4, 0.5, 0.6]]]), 0.5).tolist() == [[[0, 0, 1]]]


def test_masks_of_two_sizes_make_one_batch():
    assert batch_masks(torch.ones(1, 3, 4), torch.zeros(2, 9, 9)).mean((1, 2)).tolist() == [1, 0, 0]
