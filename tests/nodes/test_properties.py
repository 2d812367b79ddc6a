import torch

from diffusion.values import TimestepsRange
from nodes import properties
from nodes.regions import conditioning_combine
from tests.diffusion.toy import says

MASK = torch.ones(4, 4)
EARLY = TimestepsRange(0.0, 0.3)


def facts(conditioning):
    return [
        (entry.strength, entry.mask_strength, entry.mask_sets_area, entry.mask is not None, entry.end)
        for entry in conditioning.entries
    ]


def test_the_ranges_lie_before_each_other():
    inside, before, after = properties.conditioning_timesteps_range(0.2, 0.6)
    assert [(each.start, each.end) for each in (before, inside, after)] == [(0, 0.2), (0.2, 0.6), (0.6, 1)]


def test_only_the_second_prompt_fills_the_rest():
    made = properties.conditioning_set_default_combine(says(1, 2), says(3))
    assert [entry.fills_rest for entry in made.entries] == [False, False, True]


def test_without_a_mask_the_prompt_has_the_strength():
    assert facts(properties.conditioning_set_properties(says(1), 0.5)) == [(0.5, 1.0, False, False, 1.0)]


def test_with_a_mask_the_mask_has_it():
    made = properties.conditioning_set_properties(says(1), 0.5, "mask bounds", MASK, timesteps=EARLY)
    assert facts(made) == [(1.0, 0.5, True, True, 0.3)]
    assert made.entries[0].mask.shape == (1, 4, 4)


def test_what_is_added_has_the_properties_and_the_others_stay():
    made = properties.conditioning_set_properties_and_combine(says(1), says(2), 0.5, timesteps=EARLY)
    assert facts(made) == [(1.0, 1.0, False, False, 1.0), (0.5, 1.0, False, False, 0.3)]


def test_a_pair_is_two_conditionings_treated_alike():
    one, other, new, unwanted = (says(value) for value in (1, 2, 3, 4))
    single, both = properties.conditioning_set_properties, properties.conditioning_set_properties_and_combine
    pair = properties.pair_conditioning_set_properties(new, unwanted, 0.5, "default", MASK)
    assert [facts(each) for each in pair] == [facts(single(each, 0.5, mask=MASK)) for each in (new, unwanted)]
    pair = properties.pair_conditioning_set_properties_and_combine(one, other, new, unwanted, 0.5)
    assert [facts(each) for each in pair] == [facts(both(one, new, 0.5)), facts(both(other, unwanted, 0.5))]


def test_pairs_are_put_together_positive_with_positive():
    one, other, new, unwanted = (says(value) for value in (1, 2, 3, 4))
    pair = properties.pair_conditioning_combine(one, other, new, unwanted)
    assert pair.positive.entries == conditioning_combine(one, new).entries
    assert pair.negative.entries == conditioning_combine(other, unwanted).entries
    filled = properties.pair_conditioning_set_default_combine(one, other, new, unwanted)
    assert [[entry.fills_rest for entry in each.entries] for each in filled] == [[False, True]] * 2
