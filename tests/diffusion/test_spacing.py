from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion import spacing
from diffusion.errors import DiffusionError
from diffusion.noise_range import linear_betas
from diffusion.schedules import beta_times, exponential, karras

NOISE = linear_betas()
LOW, HIGH = NOISE.sigma_min, NOISE.sigma_max
counts = st.integers(1, 60)


@given(counts)
def test_between_the_ends_of_a_model_a_named_spacing_is_the_models_schedule(steps):
    assert spacing.karras_between(steps, LOW, HIGH) == karras(steps, NOISE)
    assert spacing.exponential_between(steps, LOW, HIGH) == exponential(steps, NOISE)


@given(counts)
def test_polyexponential_with_rho_one_is_exponential(steps):
    expected = spacing.exponential_between(steps, LOW, HIGH)
    assert spacing.polyexponential(steps, LOW, HIGH) == pytest.approx(expected, rel=1e-5)


def test_a_higher_rho_puts_more_steps_at_low_noise():
    assert spacing.polyexponential(9, LOW, HIGH, rho=3.0)[4] < spacing.polyexponential(9, LOW, HIGH)[4]


def test_the_variance_preserving_process_of_the_paper_ends_near_its_published_levels():
    sigmas = spacing.variance_preserving(5, 19.9, 0.1, 1e-3)
    assert sigmas[0] == pytest.approx((torch.tensor(19.9 / 2 + 0.1).exp().item() - 1) ** 0.5, rel=1e-5)
    assert sigmas[-2:] == (pytest.approx(0.0105, abs=1e-4), 0)


def test_laplace_levels_lie_around_their_centre_and_do_not_end_in_zero():
    sigmas = spacing.laplace(101, LOW, HIGH, mu=0.0, beta=0.5)
    assert sigmas[50] == pytest.approx(1.0, rel=1e-4)
    assert (sigmas[0], sigmas[-1]) == (pytest.approx(HIGH), pytest.approx(LOW))
    assert len(sigmas) == 101


def test_turbo_steps_at_the_times_it_was_distilled_on():
    assert spacing.turbo(4, NOISE) == (*(NOISE.sigma(t) for t in (999, 899, 799, 699)), 0)
    assert spacing.turbo(4, NOISE, denoise=0.3) == (*(NOISE.sigma(t) for t in (299, 199, 99)), 0)
    assert spacing.turbo(4, NOISE, denoise=0.0) == (0.0,)


def test_aligned_steps_are_the_published_ones_rounded_to_three_places():
    published = [14.615, 6.475, 3.864, 2.695, 1.884, 1.394, 0.964, 0.652, 0.398, 0.152, 0]
    assert spacing.align_your_steps(10, "SD1") == pytest.approx(published, abs=5e-4)
    assert spacing.align_your_steps(10, "SVD")[:2] == pytest.approx((700, 54.5))


@pytest.mark.parametrize("model_type", ["SD1", "SDXL", "SVD"])
def test_more_aligned_steps_pass_through_the_published_ones(model_type):
    fine, coarse = spacing.align_your_steps(30, model_type), spacing.align_your_steps(10, model_type)
    assert fine[::3] == pytest.approx(coarse, rel=1e-5)
    assert spacing.align_your_steps(10, model_type, denoise=0.4) == coarse[6:]
    assert spacing.align_your_steps(10, model_type, denoise=0.0) == ()


def test_the_trajectory_steps_are_the_published_ones():
    published = [14.61464119, 2.84484982, 1.24153244, 0.59516323, 0.25053367, 0]
    assert spacing.trajectory(5, 1.2) == pytest.approx(published, rel=5e-6)
    assert spacing.trajectory(2, 0.8) == pytest.approx([14.61464119, 7.49001646, 0], rel=5e-6)
    assert spacing.trajectory(20, 1.5)[-3:] == pytest.approx([0.13792117, 0.09824532, 0], rel=5e-6)


def test_every_coefficient_has_the_steps_from_two_to_twenty_among_even_times():
    tables = spacing._kept_times()
    assert sorted(tables) == pytest.approx([0.8 + 0.05 * place for place in range(15)])
    for rows in tables.values():
        assert [len(row) for row in rows] == list(range(1, 20))
        assert all(row[0] > 0 and row[-1] < 100 and sorted(set(row)) == list(row) for row in rows)


@given(st.integers(2, 60), st.floats(0.8, 1.5), st.floats(0, 1))
def test_a_trajectory_falls_from_the_highest_noise_to_none_in_as_many_steps_as_asked(steps, coeff, denoise):
    whole, part = spacing.trajectory(steps, coeff), spacing.trajectory(steps, coeff, denoise)
    assert (len(whole), whole[0], whole[-1]) == (steps + 1, pytest.approx(HIGH), 0)
    assert all(higher > lower for higher, lower in pairwise(whole))
    kept = round(steps * denoise)
    assert part == (whole[-kept - 1 :] if kept else ())


@given(st.integers(3, 20))
def test_a_higher_coefficient_puts_more_of_a_trajectory_at_low_noise(steps):
    assert (
        sum(spacing.trajectory(steps, 0.8))
        > sum(spacing.trajectory(steps, 1.15))
        > sum(spacing.trajectory(steps, 1.5))
    )


def test_the_shift_of_flux_2_grows_with_the_picture_and_is_none_of_its_steps_business_when_large():
    assert spacing.flux_2(8, 1024)[4] < spacing.flux_2(8, 4096)[4]
    assert spacing.flux_2(20, 8192)[5] == spacing.flux_2(40, 8192)[10]
    assert (spacing.flux_2(8, 4096)[0], spacing.flux_2(8, 4096)[-1]) == (1, 0)


@given(counts.filter(lambda steps: steps > 1), st.floats(0.0, 0.9), st.integers(64, 20_000))
def test_a_stretched_schedule_has_its_last_level_where_it_was_wanted(steps, terminal, tokens):
    sigmas = spacing.ltx_video(steps, tokens, 2.05, 0.95, terminal)
    # The first level is one float32 rounding below 1 before the stretch, which magnifies that.
    assert sigmas[0] == pytest.approx(1, abs=5e-4)
    assert sigmas[-2:] == (pytest.approx(terminal, abs=1e-5), 0)


def test_the_video_that_base_and_highest_shift_are_for_has_them():
    for tokens, shift in zip(spacing.LTX_TOKENS, (0.95, 2.05), strict=True):
        growth = torch.tensor(shift).exp().item()
        assert spacing.ltx_video(2, tokens, 2.05, 0.95)[1] == pytest.approx(growth / (growth + 1), rel=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: spacing.exponential_between(3, 0.0, 14.0),
        lambda: spacing.polyexponential(3, 0.0, 14.0),
        lambda: spacing.karras_between(3, 0.1, 14.0, rho=0.0),
        lambda: beta_times(3, NOISE, 0.0, 0.6),
    ],
)
def test_a_level_that_a_spacing_cannot_have_is_refused_in_a_sentence(make):
    with pytest.raises(DiffusionError, match="needs it above 0"):
        make()
