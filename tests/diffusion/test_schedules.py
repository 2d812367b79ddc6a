"""The values are the published test vectors of the field, rounded to six places."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.noise_range import flow, flux_flow, linear_betas
from diffusion.schedules import SCHEDULES, beta_times, between, last_part, normal, simple

NOISE = linear_betas()
VECTORS = {
    ("simple", 4): "14.614641 4.081729 1.612886 0.693205 0",
    ("normal", 4): "14.614640 2.918307 0.932358 0.029167 0",
    ("sgm_uniform", 4): "14.614640 4.086081 1.615580 0.695150 0",
    ("karras", 4): "14.614643 3.168605 0.446919 0.029167 0",
    ("exponential", 4): "14.614640 1.840024 0.231664 0.029167 0",
    ("ddim_uniform", 4): "4.116696 1.623692 0.698398 0.041314 0",
    ("ddim_uniform", 7): "14.265109 6.570650 3.485455 2.047312 1.272063 0.790061 0.440309 0.041314 0",
    ("beta", 4): "14.614641 5.686592 1.618279 0.515391 0",
    ("linear_quadratic", 4): "14.614641 14.431958 14.249275 10.595615 0",
    ("kl_optimal", 4): "14.614633 1.597066 0.572914 0.029167 0",
}

FLOW_VECTORS = {
    ("sd3", "simple"): "1 0.9 0.75 0.5 0",
    ("sd3", "normal"): "1 0.857692 0.602151 0.008929 0",
    ("sd3", "sgm_uniform"): "1 0.900359 0.751121 0.502985 0",
    ("sd3", "beta"): "1 0.933535 0.750749 0.392171 0",
    ("sd3", "karras"): "1 0.232737 0.036832 0.002994 0",
    ("flux", "simple"): "1 0.904531 0.759511 0.512844 0",
    ("flux", "normal"): "1 0.863376 0.612492 0.000997 0",
}
FLOWS = {"sd3": flow(3.0), "flux": flux_flow(1.15)}


@pytest.mark.parametrize(("family", "name"), FLOW_VECTORS)
def test_a_flow_models_schedule_is_the_one_the_field_knows(family, name):
    expected = [float(value) for value in FLOW_VECTORS[family, name].split()]
    assert SCHEDULES[name](4, FLOWS[family]) == pytest.approx(expected, abs=6e-7)


@pytest.mark.parametrize(("name", "steps"), VECTORS)
def test_a_schedule_is_the_one_the_field_knows(name, steps):
    expected = [float(value) for value in VECTORS[name, steps].split()]
    assert SCHEDULES[name](steps, NOISE) == pytest.approx(expected, abs=6e-7)


@given(name=st.sampled_from(tuple(SCHEDULES)), steps=st.integers(1, 200))
def test_a_schedule_falls_from_the_noisiest_level_to_zero_in_float32(name, steps):
    sigmas = SCHEDULES[name](steps, NOISE)
    assert sigmas[-1] == 0
    assert all(a > b for a, b in zip(sigmas, sigmas[1:], strict=False))
    assert sigmas == struct.unpack(f"{len(sigmas)}f", struct.pack(f"{len(sigmas)}f", *sigmas))


@pytest.mark.parametrize("name", SCHEDULES)
def test_one_step_is_a_schedule_too(name):
    assert len(SCHEDULES[name](1, NOISE)) >= 2


def test_a_flat_beta_distribution_spaces_times_evenly():
    assert beta_times(3, NOISE, 1.0, 1.0)[:-1] == tuple(NOISE.sigmas[index] for index in (999, 666, 333))


def test_all_of_the_schedule_runs_at_denoise_one():
    assert last_part(normal, 20, NOISE, 1.0) == normal(20, NOISE)


def test_none_of_the_schedule_runs_at_denoise_zero():
    assert last_part(normal, 20, NOISE, 0.0) == ()


def test_at_half_denoise_the_last_half_of_a_schedule_twice_as_fine_runs():
    assert last_part(normal, 20, NOISE, 0.5) == normal(40, NOISE)[20:]


def test_a_sampler_between_levels_gets_a_schedule_without_the_last_positive_one():
    finer = simple(21, NOISE)
    assert last_part(simple, 20, NOISE, 1.0, penultimate=False) == (*finer[:-2], 0.0)


def test_a_run_that_ends_early_jumps_to_zero():
    assert between((4.0, 3.0, 2.0, 1.0, 0.0), 1, 3) == (3.0, 2.0, 0.0)


def test_a_run_that_ends_early_may_keep_its_noise():
    assert between((4.0, 3.0, 2.0, 1.0, 0.0), 0, 2, leftover=True) == (4.0, 3.0, 2.0)


def test_a_run_that_would_start_after_its_end_is_empty():
    assert between((4.0, 3.0, 2.0, 1.0, 0.0), 3, 2) == ()


@given(middle=st.integers(1, 9))
def test_two_parts_with_leftover_noise_make_the_whole(middle):
    sigmas = normal(10, NOISE)
    assert between(sigmas, 0, middle, leftover=True)[:-1] + between(sigmas, middle, 10_000) == sigmas


def test_the_stride_of_the_simple_schedule_is_rounded_before_it_is_multiplied():
    assert simple(38, NOISE)[19] == NOISE.sigmas[999 - int(19 * (1000 / 38))] == NOISE.sigmas[500]
