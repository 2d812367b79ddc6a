"""Every sampler on Gaussian data, where the ideal denoiser and the exact path are known in closed form."""

from math import log2

import pytest
import torch

from diffusion.noise import step_noise
from diffusion.noise_range import linear_betas
from diffusion.samplers import SAMPLERS
from diffusion.schedules import SCHEDULES, karras

NOISE = linear_betas()
SPREAD, MEAN = 0.5, 0.3
ORDERS = {"euler": 1, "ddim": 1, "heun": 2, "dpmpp_2m": 2, "dpm_2": 2}
ODE = (*ORDERS, "ipndm")


def gaussian(x, sigma):
    """The ideal denoiser when clean values are normal with this mean and spread."""
    return MEAN + (x - MEAN) * SPREAD**2 / (SPREAD**2 + sigma**2)


def exact(x, sigma, sigma_next):
    """Where the probability flow takes x: it keeps its place in the distribution."""
    return MEAN + (x - MEAN) * ((SPREAD**2 + sigma_next**2) / (SPREAD**2 + sigma**2)) ** 0.5


def noisy(seed=0, shape=(1, 1, 32, 32), sigma=NOISE.sigma_max):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64) * sigma


def last(name, x, sigmas, seed=0, denoise=gaussian, flow=False):
    steps = SAMPLERS[name].start(denoise, x, sigmas, step_noise(x, seed), flow)
    return list(steps)[-1].x


def error(name, steps):
    sigmas = karras(steps, NOISE)[:-1]
    x = noisy()
    return float((last(name, x, sigmas) - exact(x, sigmas[0], sigmas[-1])).abs().max())


@pytest.mark.parametrize("name", ODE)
def test_an_ode_sampler_lands_on_the_exact_solution(name):
    assert error(name, 400) < 0.02


@pytest.mark.parametrize("name", ORDERS)
def test_twice_the_steps_shrink_the_error_by_the_order(name):
    assert log2(error(name, 160) / error(name, 320)) == pytest.approx(ORDERS[name], abs=0.25)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_to_zero_ends_on_the_last_prediction(name, schedule):
    steps = list(
        SAMPLERS[name].start(gaussian, noisy(), SCHEDULES[schedule](8, NOISE), step_noise(noisy(), 3), False)
    )
    assert torch.allclose(steps[-1].x, steps[-1].denoised)


@pytest.mark.parametrize("name", SAMPLERS)
def test_there_is_one_step_for_each_pair_of_sigmas(name):
    x = noisy()
    assert len(list(SAMPLERS[name].start(gaussian, x, karras(7, NOISE), step_noise(x, 0), False))) == 7


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_latent_that_was_given_stays_as_it_was(name):
    x = noisy()
    last(name, x, karras(5, NOISE))
    assert torch.equal(x, noisy())


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_gives_the_same_latent(name):
    sigmas = karras(6, NOISE)
    assert torch.equal(last(name, noisy(), sigmas, seed=4), last(name, noisy(), sigmas, seed=4))


@pytest.mark.parametrize("name", ["euler_ancestral", "dpm_2_ancestral", "ddpm"])
def test_a_sampler_that_draws_keeps_the_spread_of_the_data(name):
    sigmas = tuple(10 * 0.97**k for k in range(140))
    x = noisy(shape=(1, 1, 120, 120), sigma=10)
    spread = (SPREAD**2 + sigmas[-1] ** 2) ** 0.5
    assert float(last(name, x, sigmas, seed=1).std()) == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize("name", ["euler_ancestral", "dpm_2_ancestral", "lcm"])
def test_for_a_flow_model_signal_and_noise_keep_adding_up(name):
    x = noisy(shape=(1, 1, 120, 120), sigma=1)
    sigmas = tuple(1 - k / 40 for k in range(30))
    end = last(name, x, sigmas, denoise=lambda x, sigma: torch.zeros_like(x), flow=True)
    assert float(end.std()) == pytest.approx(sigmas[-1], rel=0.05)


def test_a_consistency_sampler_believes_each_prediction():
    x = noisy()
    steps = list(SAMPLERS["lcm"].start(gaussian, x, (8.0, 2.0, 0.0), step_noise(x, 4), False))
    assert torch.allclose(steps[0].x, gaussian(x, 8.0) + 2 * step_noise(x, 4)(8.0, 2.0))
    assert torch.equal(steps[1].x, gaussian(steps[0].x, 2.0))


def test_ddim_is_euler_in_other_words():
    sigmas = karras(12, NOISE)
    assert torch.allclose(last("ddim", noisy(), sigmas), last("euler", noisy(), sigmas))


def test_nothing_is_computed_before_the_first_step_is_asked_for():
    calls = []
    SAMPLERS["heun"].start(
        lambda x, sigma: calls.append(sigma), noisy(), (2.0, 1.0), step_noise(noisy(), 0), False
    )
    assert calls == []
