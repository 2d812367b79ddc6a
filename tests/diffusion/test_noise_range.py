import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.noise_range import (
    ENDLESS,
    NoiseRange,
    cascade,
    continuous_edm,
    continuous_v,
    cosmos_flow,
    distilled,
    flow,
    flux_flow,
    linear_betas,
)
from diffusion.schedules import SCHEDULES

NOISE = linear_betas()
DISTILLED = distilled(NOISE)
RANGES = {
    "linear": NOISE,
    "distilled": DISTILLED,
    "edm": continuous_edm(),
    "v": continuous_v(),
    "cosmos": cosmos_flow(),
    "flow": flow(1.0),
    "cascade": cascade(1.0),
}
every_range = pytest.mark.parametrize("noise", RANGES.values(), ids=RANGES.keys())


def test_the_table_ends_where_stable_diffusion_s_does():
    ends = np.float32([0.0291671585, 14.6146412])
    assert np.array_equal(np.float32([NOISE.sigma_min, NOISE.sigma_max]), ends)


@every_range
def test_every_level_is_exactly_a_float32_number(noise: NoiseRange):
    assert all(float(np.float32(sigma)) == sigma for sigma in noise.sigmas)


@every_range
def test_levels_rise(noise: NoiseRange):
    assert list(noise.sigmas) == sorted(noise.sigmas)


@every_range
def test_a_level_belongs_to_its_own_time(noise: NoiseRange):
    picked = noise.sigmas[:: len(noise.sigmas) // 50]
    assert [noise.sigma(noise.timestep(sigma)) for sigma in picked] == pytest.approx(picked, rel=2e-3)


@every_range
def test_the_sampling_ends_at_no_noise(noise: NoiseRange):
    assert noise.percent_to_sigma(1) == 0.0


@every_range
@given(st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_the_further_the_sampling_the_lower_the_level(noise: NoiseRange, percent, more):
    assert noise.percent_to_sigma(percent + more) <= noise.percent_to_sigma(percent)


def test_the_round_trip_through_the_logarithm_is_one_unit_below_the_table():
    assert np.float32(NOISE.sigma(999)) == np.float32(14.6146402)


def test_zero_terminal_noise_ends_near_infinity():
    assert np.float32(linear_betas(zero_terminal=True).sigma_max) == np.float32(4518.7637)


def test_zero_terminal_noise_is_rounded_to_float32_only_at_its_end():
    kept = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    signal = np.sqrt(kept)
    kept = ((signal - signal[-1]) * signal[0] / (signal[0] - signal[-1]))[:-1] ** 2
    expected = np.sqrt((1 - kept) / kept).astype(np.float32)
    assert linear_betas(zero_terminal=True).sigmas[:-1] == pytest.approx(expected.tolist(), rel=1.2e-7)


@pytest.mark.parametrize(("timestep", "sigma"), [(749.25, 4.086081), (499.5, 1.615580), (249.75, 0.695150)])
def test_levels_between_time_steps_are_those_of_the_specification(timestep, sigma):
    assert NOISE.sigma(timestep) == pytest.approx(sigma, abs=1e-6)


@given(st.integers(0, 999))
def test_a_level_of_the_table_belongs_to_its_own_time_step(step):
    assert NOISE.timestep(NOISE.sigmas[step]) == step


@given(st.floats(0.03125, 14.5, width=32))
def test_the_time_step_of_a_discrete_table_is_a_whole_number(sigma):
    assert NOISE.timestep(sigma).is_integer()


def test_the_sampling_starts_before_any_level():
    assert [noise.percent_to_sigma(0) for noise in (NOISE, flow(3.0))] == [ENDLESS, 1.0]


def test_half_of_the_sampling_is_over_in_the_middle_of_the_time_steps():
    assert NOISE.percent_to_sigma(0.5) == NOISE.sigma(499.5)


@given(st.integers(0, 49))
def test_a_distilled_table_has_every_twentieth_level_counted_from_the_last(index):
    sigma = NOISE.sigmas[20 * index + 19]
    assert (DISTILLED.sigmas[index], DISTILLED.timestep(sigma)) == (sigma, 20 * index + 19)


@pytest.mark.parametrize(
    ("noise", "low", "high"),
    [
        (flow(3.0), 0.00299401, 1),
        (flow(1.73, 1), 0.00172874, 1),
        (flow(8.0), 0.00794439, 1),
        (flow(6.0, 1), 0.00597015, 1),
        (flow(7.0), 0.00695825, 1),
        (flux_flow(1.15), 0.00031575, 1),
        (flux_flow(2.37), 0.0010687, 0.99999994),
        (flux_flow(2.02), 0.00075334, 1),
    ],
)
def test_the_tables_of_flow_models_end_where_the_specification_says(noise, low, high):
    assert noise.sigma_min == pytest.approx(low, abs=5e-9)
    assert np.float32(noise.sigma_max) == np.float32(high)


@pytest.mark.parametrize(
    ("noise", "schedule", "levels"),
    [
        (flow(3.0), "simple", (1, 0.9, 0.75, 0.5, 0)),
        (flow(3.0), "normal", (1, 0.857692, 0.602151, 0.008929, 0)),
        (flow(3.0), "sgm_uniform", (1, 0.900359, 0.751121, 0.502985, 0)),
        (flow(3.0), "beta", (1, 0.933535, 0.750749, 0.392171, 0)),
        (flow(3.0), "karras", (1, 0.232737, 0.036832, 0.002994, 0)),
        (flux_flow(), "simple", (1, 0.904531, 0.759511, 0.512844, 0)),
        (flux_flow(), "normal", (1, 0.863376, 0.612492, 0.000997, 0)),
    ],
)
def test_schedules_of_flow_models_are_those_of_the_specification(noise, schedule, levels):
    assert SCHEDULES[schedule](4, noise) == pytest.approx(levels, abs=6e-7)


def test_a_flow_model_is_told_a_thousand_times_the_level():
    assert flow(3.0).timestep(0.5) == 500.0


def test_an_edm_network_is_told_a_quarter_of_the_logarithm():
    assert continuous_edm().timestep(np.e**2) == pytest.approx(0.5)


def test_a_continuous_v_network_is_told_the_angle_of_noise():
    assert continuous_v().timestep(1.0) == pytest.approx(0.5)


def test_continuous_tables_end_where_they_were_told_to():
    noise = continuous_edm(0.002, 80.0)
    assert (noise.sigma_min, noise.sigma_max) == pytest.approx((0.002, 80.0), rel=1e-5)


def test_a_shift_of_cascade_s_table_moves_every_level_by_that_factor():
    plain, shifted = cascade(1.0), cascade(2.0)
    assert shifted.sigmas[5000] == pytest.approx(2 * plain.sigmas[5000], rel=1e-4)
