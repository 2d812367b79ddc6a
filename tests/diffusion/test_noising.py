import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.noise_range import linear_betas
from diffusion.noising import CORRUPTIONS, corrupted

PICTURE = torch.rand(1, 6, 5, 3, generator=torch.Generator().manual_seed(1))
TIMES = st.floats(0, 1)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_time_zero_is_the_clean_picture(name):
    assert torch.allclose(corrupted(PICTURE, [0.0], CORRUPTIONS[name], 3), PICTURE, atol=1e-6)


@pytest.mark.parametrize("name", ["linear", "cosine", "flow"])
def test_the_end_holds_next_to_nothing_of_the_picture(name):
    assert CORRUPTIONS[name](1.0)[0] < 0.007


def test_the_end_of_stable_diffusions_schedule_still_shows_a_little():
    assert 0.06 < CORRUPTIONS["scaled_linear"](1.0)[0] < 0.07


@given(TIMES)
def test_all_but_flow_keep_the_variance(time):
    for name in ("linear", "scaled_linear", "cosine"):
        signal, noise = CORRUPTIONS[name](time)
        assert signal**2 + noise**2 == pytest.approx(1)


@given(TIMES, TIMES)
def test_later_is_never_clearer(one, other):
    early, late = sorted((one, other))
    for corruption in CORRUPTIONS.values():
        assert corruption(late)[0] <= corruption(early)[0] + 1e-12


def test_the_shares_are_those_of_the_noise_levels_sampling_uses():
    signal, noise = CORRUPTIONS["scaled_linear"](0.5)
    assert noise / signal == pytest.approx(linear_betas().sigmas[499], rel=1e-6)


def test_every_time_has_the_same_noise():
    early, late = corrupted(PICTURE * 0 + 0.5, [0.2, 0.4], CORRUPTIONS["flow"], 1)
    inside = (late > 0) & (late < 1)
    assert torch.allclose((late - 0.5)[inside], 2 * (early - 0.5)[inside], atol=1e-6)
