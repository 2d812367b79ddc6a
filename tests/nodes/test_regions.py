import torch

from nodes.regions import (
    conditioning_combine,
    conditioning_set_area,
    conditioning_set_area_percentage,
    conditioning_set_area_strength,
    conditioning_set_mask,
    conditioning_set_timestep_range,
)
from tests.diffusion.toy import says


def test_combined_prompts_stand_side_by_side():
    one, other = says(1), says(2)
    assert conditioning_combine(one, other).entries == (*one.entries, *other.entries)


def test_an_area_is_told_in_pixels_and_kept_in_cells():
    entry = conditioning_set_area(says(1), 128, 64, 32, 16, 0.7).entries[0]
    assert (entry.area, entry.area_is_fraction, entry.strength) == ((8, 16, 2, 4), False, 0.7)


def test_an_area_may_be_a_fraction_of_the_picture():
    entry = conditioning_set_area_percentage(says(1), 0.5, 0.25, 0.1, 0.2).entries[0]
    assert (entry.area, entry.area_is_fraction) == ((0.25, 0.5, 0.2, 0.1), True)


def test_strength_range_and_mask_are_set_on_every_prompt():
    mask = torch.ones(4, 4)
    made = conditioning_set_area_strength(says(1, 2), 2.0)
    made = conditioning_set_timestep_range(conditioning_set_mask(made, mask, 0.5, "mask bounds"), 0.2, 0.6)
    entry = made.entries[1]
    assert (entry.strength, entry.mask_strength, entry.mask_sets_area) == (2.0, 0.5, True)
    assert (entry.start, entry.end, tuple(entry.mask.shape)) == (0.2, 0.6, (1, 4, 4))


def test_the_prompt_that_was_given_stays_as_it_was():
    given = says(1)
    conditioning_set_area(given, 64, 64)
    assert given.entries[0].area is None
