import pytest
import torch

from graph.define import spec_of
from nodes.arrange import (
    batch_images,
    image_batch,
    image_crop,
    image_flip,
    image_from_batch,
    image_rotate,
    image_stitch,
    rebatch_images,
    repeat_image_batch,
    resize_and_pad_image,
)

PICTURE = torch.rand(2, 6, 8, 3, generator=torch.Generator().manual_seed(0))


def test_pictures_of_two_sizes_make_one_batch():
    assert image_batch(PICTURE, torch.rand(1, 20, 20, 4)).shape == (3, 6, 8, 4)
    assert batch_images(PICTURE, PICTURE, PICTURE).shape == (6, 6, 8, 3)


def test_a_row_of_pictures_grows_from_two_to_fifty():
    (row,) = spec_of(batch_images).inputs
    assert (row.grows.prefix, row.grows.least, row.grows.most) == ("image", 2, 50)


@pytest.mark.parametrize(("first", "length", "count"), [(0, 1, 1), (1, 5, 1), (9, 1, 1), (0, 2, 2)])
def test_a_part_of_a_batch_is_never_empty(first, length, count):
    assert len(image_from_batch(PICTURE, first, length)) == count


def test_a_batch_can_be_repeated():
    assert torch.equal(repeat_image_batch(PICTURE, 2), torch.cat((PICTURE, PICTURE)))


def test_batches_are_sorted_anew():
    assert [len(each) for each in rebatch_images([PICTURE, PICTURE], [3])] == [3, 1]
    images, size = spec_of(rebatch_images).inputs
    assert images.takes_list and size.widget.low == 1 and size.widget.high == 4096


def test_a_part_is_cut_out():
    assert torch.equal(image_crop(PICTURE, 4, 2, 1, 3), PICTURE[:, 3:5, 1:5])


def test_four_quarter_turns_are_none():
    once = image_rotate(PICTURE, "90 degrees")
    assert torch.equal(image_rotate(once, "270 degrees"), PICTURE)
    assert torch.equal(once[:, 0, -1], PICTURE[:, 0, 0])


@pytest.mark.parametrize(("method", "axis"), [("x-axis: vertically", 1), ("y-axis: horizontally", 2)])
def test_a_picture_is_mirrored(method, axis):
    assert torch.equal(image_flip(PICTURE, method), PICTURE.flip(axis))


def test_without_a_second_picture_nothing_is_stitched():
    assert image_stitch(PICTURE) is PICTURE
    assert image_stitch(PICTURE, "down", True, 2, "blue", PICTURE).shape == (2, 14, 8, 3)


def test_a_picture_is_made_to_fit():
    assert resize_and_pad_image(PICTURE, 20, 10, "black", "lanczos").shape == (2, 10, 20, 3)
