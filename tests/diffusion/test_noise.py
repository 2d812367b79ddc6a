import warnings
from itertools import pairwise

import pytest
import torch
import torchsde
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.noise import (
    RunNoise,
    batch_of,
    brownian_noise,
    initial_noise,
    mask_noise,
    no_noise,
    repeated,
    step_noise,
    tiled,
)
from diffusion.values import Latent

LATENT = Latent(torch.zeros(3, 4, 8, 8))


@pytest.mark.parametrize("seed", [0, 5, 2**63, 2**64 - 1])
def test_noise_is_that_of_the_cpu_generator_of_the_tensor_library(seed):
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    expected = torch.randn(3, 4, 8, 8)
    torch.set_rng_state(state)
    assert torch.equal(initial_noise(LATENT, seed), expected)


def test_drawing_noise_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    initial_noise(LATENT, 5)
    step_noise(LATENT.samples, 5)(2.0, 1.0)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_image_taken_from_a_batch_keeps_its_noise():
    assert torch.equal(initial_noise(batch_of(LATENT, 1, 2), 7), initial_noise(LATENT, 7)[1:])


def test_a_repeated_batch_gets_fresh_noise_for_each_copy():
    assert repeated(batch_of(LATENT, 1, 2), 3).batch_index == (1, 2, 3, 4, 5, 6)
    whole = repeated(LATENT, 2)
    assert whole.batch_index is None
    assert torch.equal(initial_noise(whole, 7)[:3], initial_noise(LATENT, 7))


def test_masks_of_a_batch_are_repeated_with_it_and_one_for_all_stays_one():
    masks = torch.arange(2.0).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    found = repeated(Latent(LATENT.samples, masks), 2).noise_mask
    assert found[:, 0, 0, 0].tolist() == [0, 1, 0, 0, 1, 0]
    assert len(repeated(Latent(LATENT.samples, masks[:1]), 2).noise_mask) == 1


def test_a_listed_image_that_repeats_gets_the_same_noise():
    drawn = initial_noise(Latent(torch.zeros(2, 4, 8, 8), batch_index=(2, 2)), 7)
    assert torch.equal(drawn[0], drawn[1])


def test_taking_beyond_the_end_of_a_batch_takes_the_last():
    assert batch_of(LATENT, 9, 5).batch_index == (2,)


def test_a_part_of_a_batch_takes_its_masks_along():
    masks = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 8, 8)
    assert batch_of(Latent(LATENT.samples, masks), 1, 1).noise_mask.unique().tolist() == [1.0]


def test_no_noise_is_zeros():
    assert not no_noise(LATENT).any()


def test_a_samplers_own_noise_is_not_the_initial_noise():
    assert not torch.equal(step_noise(LATENT.samples, 3)(2.0, 1.0), initial_noise(LATENT, 3))


def test_fresh_noise_under_a_mask_is_one_seed_higher():
    assert torch.equal(mask_noise(LATENT.samples, 3), initial_noise(LATENT, 4))


@pytest.mark.parametrize(("length", "expected"), [(1, [0]), (2, [0, 1]), (5, [0, 1, 2, 0, 1])])
def test_a_batch_is_trimmed_or_repeated_to_a_length(length, expected):
    assert tiled(torch.arange(3.0)[:, None], length).flatten().tolist() == expected


LEVELS = tuple(torch.tensor([14.6146, 7.3, 3.1, 1.2, 0.4, 0.0291671585, 0.0]).tolist())
CPU = torch.device("cpu")


def test_brownian_noise_is_the_increment_of_one_tree_over_the_levels_of_the_run():
    x = torch.zeros(2, 4, 3, 3)
    tree = torchsde.BrownianTree(t0=LEVELS[-2], w0=x, t1=LEVELS[0], entropy=2**64 - 1)
    drawn = brownian_noise(x, 2**64 - 1, LEVELS, CPU)
    for sigma, sigma_next in pairwise(LEVELS[1:-2]):
        assert torch.allclose(
            drawn(sigma, sigma_next), -tree(sigma_next, sigma) / (sigma - sigma_next) ** 0.5, atol=1e-5
        )


@given(seed=st.integers(0, 2**64 - 1), middle=st.floats(1.5, 3.0))
@settings(max_examples=5, deadline=None)
def test_two_brownian_increments_make_up_the_whole_one(seed, middle):
    drawn = brownian_noise(torch.zeros(1, 4, 2, 2), seed, LEVELS, CPU)
    parts = drawn(7.3, middle) * (7.3 - middle) ** 0.5 + drawn(middle, 1.2) * (middle - 1.2) ** 0.5
    assert torch.allclose(parts / (7.3 - 1.2) ** 0.5, drawn(7.3, 1.2), atol=1e-3)


def test_brownian_noise_has_unit_variance_and_reaches_both_ends_without_a_warning():
    drawn = brownian_noise(torch.zeros(1, 4, 64, 64), 5, LEVELS, CPU)
    with warnings.catch_warnings(action="error"):
        ends = [drawn(*pair) for pair in pairwise(LEVELS[:-1])]
    assert [float(each.std()) for each in ends] == pytest.approx([1.0] * 5, abs=0.05)


@given(st.floats(1.0, 20.0, width=32), st.floats(0.0078125, 0.875, width=32))
@settings(max_examples=10, deadline=None)
def test_a_brownian_path_reaches_ends_that_lie_between_its_millionths(high, low):
    levels = (high, 0.95, low, 0.0)
    drawn = brownian_noise(torch.zeros(1, 4, 2, 2), 5, levels, CPU)
    assert drawn(high, 0.95).isfinite().all()
    assert drawn(0.95, low).isfinite().all()


def test_a_run_with_nothing_but_zero_below_its_first_level_needs_no_path():
    assert brownian_noise(torch.zeros(1), 0, (3.0, 0.0), CPU)


def test_silent_noise_is_none():
    assert not RunNoise(3, silent=True).drawn(LATENT).any()
    assert torch.equal(RunNoise(3).drawn(LATENT), initial_noise(LATENT, 3))
