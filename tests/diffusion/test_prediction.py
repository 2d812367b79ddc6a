import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.prediction import ENDLESS, EPSILON, VELOCITY, linear_betas, zero_terminal_snr

NOISE = linear_betas()
SIGMAS = st.floats(0.03125, 14.5, width=32)


def states(sigma: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A clean latent, noise, and the noisy state they make."""
    random = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 4, 4, 4, generator=random)
    return clean, noise, clean + sigma * noise


def test_the_table_ends_where_stable_diffusion_s_does():
    ends = np.float32([0.0291671585, 14.6146412])
    assert np.array_equal(np.float32([NOISE.sigma_min, NOISE.sigma_max]), ends)


def test_every_level_is_exactly_a_float32_number():
    assert all(float(np.float32(sigma)) == sigma for sigma in NOISE.sigmas)


def test_the_round_trip_through_the_logarithm_is_one_unit_below_the_table():
    assert np.float32(NOISE.sigma(999)) == np.float32(14.6146402)


def test_zero_terminal_noise_ends_near_infinity():
    assert np.float32(zero_terminal_snr(NOISE).sigma_max) == np.float32(4518.7637)


@pytest.mark.parametrize(("timestep", "sigma"), [(749.25, 4.086081), (499.5, 1.615580), (249.75, 0.695150)])
def test_levels_between_time_steps_are_those_of_the_specification(timestep, sigma):
    assert NOISE.sigma(timestep) == pytest.approx(sigma, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 999))
def test_a_level_of_the_table_belongs_to_its_own_time_step(step):
    assert NOISE.timestep(NOISE.sigmas[step]) == step


@settings(deadline=None)
@given(SIGMAS)
def test_the_time_step_is_a_whole_number(sigma):
    assert NOISE.timestep(sigma).is_integer()


def test_the_sampling_starts_before_any_level_and_ends_at_none():
    assert (NOISE.percent_to_sigma(0), NOISE.percent_to_sigma(1)) == (ENDLESS, 0.0)


def test_half_of_the_sampling_is_over_in_the_middle_of_the_time_steps():
    assert NOISE.percent_to_sigma(0.5) == NOISE.sigma(499.5)


@settings(deadline=None)
@given(SIGMAS)
def test_a_network_that_knows_the_noise_finds_the_clean_latent(sigma):
    clean, noise, x = states(sigma)
    assert torch.allclose(EPSILON.denoised(x, noise, sigma), clean, atol=1e-5)


@settings(deadline=None)
@given(SIGMAS)
def test_a_network_that_knows_the_velocity_finds_the_clean_latent(sigma):
    clean, noise, x = states(sigma)
    velocity = (noise - sigma * clean) / (sigma**2 + 1) ** 0.5
    assert torch.allclose(VELOCITY.denoised(x, velocity, sigma), clean, atol=1e-5)


@settings(deadline=None)
@given(SIGMAS)
def test_the_network_is_fed_about_unit_variance(sigma):
    x = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(1)) * (1 + sigma**2) ** 0.5
    assert float(EPSILON.scale_input(x, sigma).std()) == pytest.approx(1, abs=0.03)


def test_at_the_highest_level_the_noise_is_scaled_to_the_whole_variance():
    noise, latent = torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2)
    assert torch.equal(EPSILON.noised(noise, latent, 3.0, True), noise * torch.tensor(10.0).sqrt())


def test_below_the_highest_level_noise_is_added_to_the_latent():
    noise = latent = torch.ones(1, 4, 2, 2)
    assert torch.equal(EPSILON.noised(noise, latent, 3.0, False), torch.full_like(noise, 4.0))


def test_a_state_stands_for_itself_where_sampling_stops():
    x = torch.ones(1, 4, 2, 2)
    assert EPSILON.final(x, 1.0) is x
