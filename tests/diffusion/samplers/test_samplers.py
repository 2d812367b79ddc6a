"""Every sampler on Gaussian data, where the ideal denoiser and the exact path are known in closed form."""

from dataclasses import replace
from math import log2

import pytest
import torch

from diffusion.noise import brownian_noise, step_noise
from diffusion.noise_range import flow, linear_betas
from diffusion.samplers import SAMPLERS
from diffusion.samplers.er_sde import noise_scaler
from diffusion.samplers.sa_solver import Adams
from diffusion.samplers.step import Guided
from diffusion.schedules import SCHEDULES, karras

NOISE, FLOW = linear_betas(), flow(3.0)
SPREAD, MEAN = 0.5, 0.3
WITHOUT_NOISE = {
    "dpmpp_sde": {"eta": 0.0},
    "dpmpp_2m_sde": {"eta": 0.0},
    "dpmpp_2m_sde_heun": {"eta": 0.0},
    "dpmpp_3m_sde": {"eta": 0.0},
    "dpm_2_ancestral": {"eta": 0.0},
    "dpmpp_2s_ancestral": {"eta": 0.0},
    "er_sde": {"scaler": noise_scaler("ODE")},
    "euler_ancestral": {"eta": 0.0},
    "res_multistep_ancestral": {"eta": 0.0},
    "sa_solver": {"solver": Adams(eta=0.0)},
    "sa_solver_pece": {"solver": Adams(eta=0.0)},
    "seeds_2": {"eta": 0.0},
    "seeds_3": {"eta": 0.0},
}
CASES = {
    name: sampler for name, sampler in SAMPLERS.items() if not name.endswith("_gpu")
}  # the same functions
OWN_STEPS = ("dpm_fast", "dpm_adaptive")
APPROACHES_ZERO = ("uni_pc", "uni_pc_bh2")
ODE = sorted(
    {name for name, sampler in CASES.items() if sampler.draws == "none"} | {"dpm_adaptive", *WITHOUT_NOISE}
)
PLAIN_OF = {name: name.removesuffix("_cfg_pp") for name in CASES if name.endswith("_cfg_pp")}
SDE = sorted({name for name, sampler in CASES.items() if sampler.draws != "none"} - {"dpm_adaptive", "lcm"})
KNOW_FLOW = sorted(name for name, sampler in CASES.items() if sampler.flow)


def gaussian(x, sigma):
    """The ideal denoiser when clean values are normal with this mean and spread."""
    return MEAN + (x - MEAN) * SPREAD**2 / (SPREAD**2 + sigma**2)


def exact(x, sigma, sigma_next):
    """Where the probability flow takes x: it keeps its place in the distribution."""
    return MEAN + (x - MEAN) * ((SPREAD**2 + sigma_next**2) / (SPREAD**2 + sigma**2)) ** 0.5


def flow_gaussian(x, sigma):
    """The ideal denoiser of the same data on the straight line to noise."""
    kept = 1 - sigma
    return MEAN + (x - kept * MEAN) * kept * SPREAD**2 / (kept**2 * SPREAD**2 + sigma**2)


def flow_exact(x, sigma, sigma_next):
    """Where the straight line's flow takes x."""
    spread, spread_next = (((1 - s) ** 2 * SPREAD**2 + s**2) ** 0.5 for s in (sigma, sigma_next))
    return (1 - sigma_next) * MEAN + (x - (1 - sigma) * MEAN) * spread_next / spread


def noisy(seed=0, shape=(1, 1, 8, 8), sigma=NOISE.sigma_max):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64) * sigma


def steps_of(name, x, sigmas, *, seed=0, denoise=gaussian, levels=NOISE, sampler=None, **options):
    sampler = (sampler or SAMPLERS[name]).with_options(**options)
    brownian = sampler.draws.startswith("brownian")
    noise = brownian_noise(x, seed, sigmas, x.device) if brownian else step_noise(x, seed)
    asked = (lambda x, sigma: Guided(*[denoise(x, sigma)] * 2)) if sampler.guided else denoise
    return list(sampler.start(asked, x, sigmas, noise, levels))


def last(name, x, sigmas, **options):
    return steps_of(name, x, sigmas, **options)[-1].x


def error(name, steps):
    sigmas = karras(steps, NOISE)[:-1]
    x = noisy()
    end = last(name, x, sigmas, **WITHOUT_NOISE.get(name, {}))
    return float((end - exact(x, sigmas[0], sigmas[-1])).abs().max())


def flow_error(name, steps):
    sigmas = tuple(0.999 - 0.979 * k / steps for k in range(steps + 1))
    x = noisy(sigma=1.0)
    end = last(name, x, sigmas, denoise=flow_gaussian, levels=FLOW, **WITHOUT_NOISE.get(name, {}))
    return float((end - flow_exact(x, sigmas[0], sigmas[-1])).abs().max())


ORDERS = {
    "euler": 1, "ddim": 1, "heunpp2": 1, "gradient_estimation": 1, "heun": 2, "exp_heun_2_x0": 2, "dpm_2": 2,
    "dpmpp_2m": 2, "dpmpp_sde": 2, "dpmpp_2m_sde": 2, "dpmpp_2m_sde_heun": 2, "dpmpp_2s_ancestral": 2,
    "dpmpp_3m_sde": 2, "dpm_fast": 2, "ipndm": 2, "res_multistep": 2, "seeds_2": 2, "deis": 3, "lms": 4,
    "sa_solver": 4,
}  # fmt: skip


@pytest.mark.parametrize("name", ODE)
def test_without_noise_a_sampler_lands_on_the_exact_solution(name):
    assert error(name, 150) < 0.05


@pytest.mark.parametrize("name", ODE)
def test_so_it_does_for_a_flow_model(name):
    assert flow_error(name, 100) < 0.03


@pytest.mark.parametrize("name", ORDERS)
def test_twice_the_steps_shrink_the_error_by_the_order(name):
    assert log2(error(name, 50) / error(name, 100)) == pytest.approx(ORDERS[name], abs=0.3)


@pytest.mark.parametrize("name", sorted(set(SDE) - {"dpmpp_2s_ancestral_cfg_pp"}))
def test_a_sampler_that_draws_keeps_the_spread_of_the_data(name):
    sigmas = tuple(10 * 0.9**k for k in range(40))
    end = last(name, noisy(shape=(1, 1, 60, 60), sigma=10), sigmas, seed=1)
    assert float(end.std()) == pytest.approx((SPREAD**2 + sigmas[-1] ** 2) ** 0.5, rel=0.1)
    assert float(end.mean()) == pytest.approx(MEAN, abs=0.04)


@pytest.mark.parametrize("name", sorted(set(SDE) & set(KNOW_FLOW)))
def test_so_it_does_where_signal_and_noise_add_up_to_one(name):
    sigmas = tuple(0.999 - 0.979 * k / 40 for k in range(41))
    x = noisy(shape=(1, 1, 60, 60), sigma=1)
    end = last(name, x, sigmas, seed=1, denoise=flow_gaussian, levels=FLOW)
    kept = 1 - sigmas[-1]
    assert float(end.std()) == pytest.approx((kept**2 * SPREAD**2 + sigmas[-1] ** 2) ** 0.5, rel=0.1)
    assert float(end.mean()) == pytest.approx(kept * MEAN, abs=0.04)


@pytest.mark.parametrize("name", sorted(set(CASES) - {*OWN_STEPS, *APPROACHES_ZERO}))
@pytest.mark.parametrize("schedule", ["karras", "simple"])
def test_a_run_to_zero_ends_on_the_last_prediction(name, schedule):
    step = steps_of(name, noisy(), SCHEDULES[schedule](8, NOISE), seed=3)[-1]
    assert torch.allclose(step.x, step.denoised)


@pytest.mark.parametrize("name", sorted(set(CASES) - {*OWN_STEPS}))
def test_there_is_one_step_for_each_pair_of_sigmas(name):
    assert len(steps_of(name, noisy(), karras(7, NOISE))) == 7


@pytest.mark.parametrize("name", OWN_STEPS)
def test_a_sampler_with_steps_of_its_own_says_how_far_it_is(name):
    done = [step.done for step in steps_of(name, noisy(), karras(9, NOISE))]
    assert done == sorted(done)
    assert done[-1] == 1


@pytest.mark.parametrize("calls", [3, 4, 5, 6, 7])
def test_dpm_fast_calls_as_often_as_the_schedule_has_steps(calls):
    asked = []
    steps_of(
        "dpm_fast", noisy(), karras(calls, NOISE), denoise=lambda x, s: asked.append(s) or gaussian(x, s)
    )
    assert len(asked) == calls


@pytest.mark.parametrize("name", CASES)
def test_the_latent_that_was_given_stays_as_it_was(name):
    x = noisy()
    last(name, x, karras(5, NOISE))
    assert torch.equal(x, noisy())


@pytest.mark.parametrize("name", CASES)
def test_the_same_seed_gives_the_same_latent(name):
    sigmas = karras(6, NOISE)
    assert torch.equal(last(name, noisy(), sigmas, seed=4), last(name, noisy(), sigmas, seed=4))


@pytest.mark.parametrize("name", SDE)
def test_another_seed_gives_another_latent(name):
    sigmas = karras(6, NOISE)
    assert not torch.equal(last(name, noisy(), sigmas, seed=4), last(name, noisy(), sigmas, seed=5))


@pytest.mark.parametrize("name", sorted(PLAIN_OF.keys() - {"dpmpp_2s_ancestral_cfg_pp"}))
def test_where_guidance_changes_nothing_cfg_pp_is_the_plain_sampler(name):
    sigmas = karras(12, NOISE)
    plain = last(PLAIN_OF[name], noisy(), sigmas, seed=2)
    assert torch.allclose(last(name, noisy(), sigmas, seed=2), plain, atol=1e-5)


@pytest.mark.parametrize("name", KNOW_FLOW)
def test_a_run_from_pure_noise_of_a_flow_model_stays_finite(name):
    sigmas = SCHEDULES["simple"](6, FLOW)
    assert sigmas[0] == 1
    assert last(name, noisy(sigma=1.0), sigmas, denoise=flow_gaussian, levels=FLOW).isfinite().all()


@pytest.mark.parametrize(
    "name", sorted(set(KNOW_FLOW) & {n for n, s in CASES.items() if s.avoids_pure_noise})
)
def test_a_level_whose_signal_is_nothing_is_lowered_a_little(name):
    asked = []
    first = steps_of(
        name, noisy(sigma=1.0), (1.0, 0.5, 0.0), levels=FLOW,
        denoise=lambda x, sigma: asked.append(sigma) or flow_gaussian(x, sigma),
    )  # fmt: skip
    assert asked[0] == FLOW.percent_to_sigma(1e-4)
    assert first


def test_a_consistency_sampler_believes_each_prediction():
    x = noisy()
    steps = steps_of("lcm", x, (8.0, 2.0, 0.0), seed=4)
    assert torch.allclose(steps[0].x, gaussian(x, 8.0) + 2 * step_noise(x, 4)(8.0, 2.0))
    assert torch.equal(steps[1].x, gaussian(steps[0].x, 2.0))


def test_a_consistency_sampler_keeps_signal_and_noise_of_a_flow_model_adding_up():
    x = noisy(shape=(1, 1, 120, 120), sigma=1)
    sigmas = tuple(1 - k / 40 for k in range(30))
    end = last("lcm", x, sigmas, denoise=lambda x, sigma: torch.zeros_like(x), levels=FLOW)
    assert float(end.std()) == pytest.approx(sigmas[-1], rel=0.05)


def test_ddim_is_euler_in_other_words():
    sigmas = karras(12, NOISE)
    assert torch.allclose(last("ddim", noisy(), sigmas), last("euler", noisy(), sigmas))


def test_with_one_call_a_step_a_multistep_sampler_of_order_one_is_euler():
    sigmas = karras(9, NOISE)
    euler = last("euler", noisy(), sigmas)
    assert torch.allclose(last("lms", noisy(), sigmas, order=1), euler)
    assert torch.allclose(last("deis", noisy(), sigmas, order=1), euler)


@pytest.mark.parametrize("name", ["sa_solver", "sa_solver_pece"])
def test_a_stochastic_range_that_holds_no_level_draws_nothing(name):
    sigmas = karras(8, NOISE)
    never = replace(SAMPLERS[name], stochastic=(1.0, 1.0))
    assert torch.equal(
        last(name, noisy(), sigmas, sampler=never), last(name, noisy(), sigmas, solver=Adams(eta=0.0))
    )


def test_the_reverse_time_sde_without_noise_is_the_ode():
    sigmas = karras(8, NOISE)
    ends = [
        last("er_sde", noisy(), sigmas, scaler=noise_scaler(kind, eta=0.0))
        for kind in ("Reverse-time SDE", "ODE")
    ]
    assert torch.equal(*ends)


@pytest.mark.parametrize("name", ["uni_pc", "uni_pc_bh2"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_corrector_needs_no_calls_of_its_own(name, steps):
    asked = []
    sigmas = karras(steps, NOISE) if steps > 1 else (10.0, 0.0)
    steps_of(name, noisy(), sigmas, denoise=lambda x, sigma: asked.append(sigma) or gaussian(x, sigma))
    assert len(asked) == steps


def test_nothing_is_computed_before_the_first_step_is_asked_for():
    calls = []
    SAMPLERS["heun"].start(
        lambda x, sigma: calls.append(sigma), noisy(), (2.0, 1.0), step_noise(noisy(), 0), NOISE
    )
    assert calls == []
