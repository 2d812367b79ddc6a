import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nodes import dataset

PICTURES = torch.rand(2, 6, 9, 3, generator=torch.Generator().manual_seed(0))


def test_twice_as_bright_is_cut_off_at_white():
    made = torch.as_tensor(dataset.adjust_brightness(PICTURES, 2.0))
    assert torch.allclose(made, (2 * PICTURES).clamp(max=1))


@given(st.floats(0, 2))
def test_middle_grey_keeps_its_place_whatever_the_contrast(factor):
    grey = torch.full((1, 2, 2, 3), 0.5)
    assert torch.allclose(torch.as_tensor(dataset.adjust_contrast(grey, factor)), grey)


def test_without_contrast_all_is_grey_and_with_more_of_it_values_spread():
    assert torch.equal(
        torch.as_tensor(dataset.adjust_contrast(PICTURES, 0.0)), torch.full_like(PICTURES, 0.5)
    )
    assert dataset.adjust_contrast(PICTURES, 1.5).std() > PICTURES.std()


@pytest.mark.parametrize("node", [dataset.adjust_brightness, dataset.adjust_contrast])
def test_a_factor_of_one_changes_nothing(node):
    assert torch.allclose(torch.as_tensor(node(PICTURES, 1.0)), PICTURES)


def test_normalised_pictures_go_from_minus_one_to_one():
    made = dataset.normalize_images(torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3))
    assert made.flatten().tolist() == [-1, 0, 1]


def test_one_side_gets_the_length_and_the_other_follows():
    assert dataset.resize_images_by_longer_edge(PICTURES, 18).shape == (2, 12, 18, 3)
    assert dataset.resize_images_by_shorter_edge(PICTURES, 18).shape == (2, 18, 27, 3)
    tall = PICTURES.transpose(1, 2)
    assert dataset.resize_images_by_longer_edge(tall, 18).shape == (2, 18, 12, 3)
    assert dataset.resize_images_by_shorter_edge(tall, 18).shape == (2, 27, 18, 3)


def test_the_middle_is_cut_out():
    made = torch.as_tensor(dataset.center_crop_images(PICTURES, 3, 2))
    assert torch.equal(made, PICTURES[:, 2:4, 3:6])


@pytest.mark.parametrize("node", [dataset.center_crop_images, dataset.random_crop_images])
def test_a_picture_that_is_smaller_stays_as_it_is(node):
    assert torch.equal(torch.as_tensor(node(PICTURES, 100, 6)), PICTURES)


@given(st.integers(0, 2**64 - 1), st.integers(1, 9), st.integers(1, 6))
def test_a_random_part_lies_inside_and_is_the_same_for_the_same_seed(seed, width, height):
    cells = torch.arange(54.0).view(1, 6, 9, 1).repeat(2, 1, 1, 1)
    made = torch.as_tensor(dataset.random_crop_images(cells, width, height, seed))
    assert made.shape == (2, height, width, 1)
    corner = made[:, :1, :1]
    assert torch.equal(made - corner, (cells - cells[:, :1, :1])[:, :height, :width])
    assert torch.equal(made, torch.as_tensor(dataset.random_crop_images(cells, width, height, seed)))


def test_other_seeds_and_other_pictures_are_cut_elsewhere():
    cells = torch.arange(5400.0).view(1, 60, 90, 1).repeat(2, 1, 1, 1)
    corners = {
        float(one[0, 0, 0]) for seed in range(3) for one in dataset.random_crop_images(cells, 2, 2, seed)
    }
    assert len(corners) == 6


def test_a_grid_shows_all_pictures_row_by_row():
    colours = [torch.full((1, 5 + place, 7, 3), place / 10) for place in range(5)]
    made = torch.as_tensor(dataset.image_grid([torch.cat([colours[0]] * 2), *colours[2:]], 3, 32, 40, 4))
    assert made.shape == (1, 84, 104, 3)
    middles = [round(float(made[0, y, x, 0]), 1) for y in (20, 64) for x in (16, 52, 88)]
    assert middles == [0, 0, 0.2, 0.3, 0.4, 0]
    assert not made[0, 40:44].any() and not made[0, :, 32:36].any()
