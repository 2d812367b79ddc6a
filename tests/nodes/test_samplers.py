from dataclasses import replace

import pytest
import torch

from diffusion.errors import DiffusionError
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.samplers import SAMPLERS
from diffusion.schedules import karras
from diffusion.values import Conditioning, Latent
from nodes import samplers
from tests.diffusion.toy import NOISE, says, toy_model

EIGHT = karras(8, NOISE)
EMPTY = Latent(torch.zeros(1, 4, 8, 8))
DEFAULTS = {
    "euler_ancestral": samplers.sampler_euler_ancestral(),
    "euler_ancestral_cfg_pp": samplers.sampler_euler_ancestral_cfg_pp(),
    "dpmpp_2s_ancestral": samplers.sampler_dpmpp_2s_ancestral(),
    "dpmpp_sde_gpu": samplers.sampler_dpmpp_sde(),
    "dpmpp_2m_sde_gpu": samplers.sampler_dpmpp_2m_sde(),
    "dpmpp_3m_sde": samplers.sampler_dpmpp_3m_sde(noise_device="cpu"),
    "lms": samplers.sampler_lms(),
    "dpm_adaptive": samplers.sampler_dpm_adaptative(),
    "er_sde": samplers.sampler_er_sde(),
    "seeds_2": samplers.sampler_seeds2(),
    "sa_solver": samplers.sampler_sa_solver(toy_model()),
    "sa_solver_pece": samplers.sampler_sa_solver(toy_model(), use_pece=True),
    "heun": samplers.ksampler_select("heun"),
    "euler_cfg_pp": samplers.sampler_euler_cfg_pp(),
}


def run(sampler, seed=3):
    guider = Guider(toy_model(), (says(1),))
    return sample(Job(guider, EMPTY, EIGHT, sampler, RunNoise(seed)), lambda *_, **__: None).samples


@pytest.mark.parametrize("name", DEFAULTS)
def test_with_its_defaults_a_sampler_node_is_the_sampler_of_that_name(name):
    assert torch.equal(run(DEFAULTS[name]), run(SAMPLERS[name]))


@pytest.mark.parametrize(
    "make",
    [
        samplers.sampler_euler_ancestral,
        samplers.sampler_dpmpp_2s_ancestral,
        samplers.sampler_dpmpp_sde,
        samplers.sampler_dpmpp_2m_sde,
        samplers.sampler_dpmpp_3m_sde,
        samplers.sampler_seeds2,
    ],
)
def test_without_eta_the_fresh_noise_does_not_matter(make):
    assert torch.equal(run(make(eta=0.0, s_noise=1.0)), run(make(eta=0.0, s_noise=3.0)))


@pytest.mark.parametrize(
    "sampler",
    [
        samplers.sampler_er_sde("ODE", max_stage=1),
        samplers.sampler_er_sde("Reverse-time SDE", eta=2.0),
        samplers.sampler_seeds2("phi_2", r=1.0),
        samplers.sampler_sa_solver(toy_model(), 1.0, 0.0, 1.0, 1.0, 2, 2, False, True),
        samplers.sampler_sa_solver(toy_model(), predictor_order=6, corrector_order=0),
        samplers.sampler_dpm_adaptative(order=2, eta=0.5),
        samplers.sampler_dpmpp_2m_sde("heun"),
        samplers.sampler_lms(100),
    ],
)
def test_other_settings_give_another_picture_that_is_made_of_numbers(sampler):
    result = run(sampler)
    assert result.isfinite().all()
    assert float(result.std()) > 0.1


@pytest.mark.parametrize("broken", [{"accept_safety": 100.0}, {"h_init": 0.0}, {"rtol": 0.0, "atol": 0.0}])
def test_an_adaptive_sampler_that_cannot_go_on_says_so(broken):
    with pytest.raises(DiffusionError, match="found no step that meets its tolerance"):
        run(samplers.sampler_dpm_adaptative(**broken))


def test_a_second_call_at_the_place_of_the_first_is_refused_in_a_sentence():
    with pytest.raises(DiffusionError, match="r is 0"):
        run(samplers.sampler_dpmpp_sde(r=0.0))


def test_a_picture_that_grows_ends_at_its_larger_size():
    grown = run(samplers.sampler_lcm_upscale(1.5, 3, "bilinear"))
    assert grown.shape == (1, 4, 12, 12) and grown.isfinite().all()
    assert run(samplers.sampler_lcm_upscale(2.0)).shape == (1, 4, 16, 16)


def test_prompts_for_parts_of_a_picture_grow_with_it():
    left = says(3).each(lambda entry: replace(entry, area=(1, 0.5, 0, 0), area_is_fraction=True))
    right = says(-3).each(lambda entry: replace(entry, area=(1, 0.5, 0, 0.5), area_is_fraction=True))
    guider = Guider(toy_model(), (Conditioning((*left.entries, *right.entries)),))
    job = Job(guider, EMPTY, EIGHT, samplers.sampler_lcm_upscale(2.0), RunNoise(1))
    made = sample(job, lambda *_, **__: None).samples
    assert made.shape == (1, 4, 16, 16)
    assert float(made[..., :8].mean()) > 1 and float(made[..., 8:].mean()) < -1


def test_a_picture_that_grows_cannot_keep_a_part_of_it():
    masked = replace(EMPTY, noise_mask=torch.ones(1, 1, 8, 8))
    job = Job(Guider(toy_model(), (says(1),)), masked, EIGHT, samplers.sampler_lcm_upscale(2.0), RunNoise(1))
    with pytest.raises(DiffusionError, match="Remove the noise mask"):
        sample(job, lambda *_, **__: None)


def test_the_alternative_version_of_euler_cfg_pp_is_refused_in_a_sentence():
    with pytest.raises(DiffusionError, match="not supported. Choose regular"):
        samplers.sampler_euler_cfg_pp("alternative")
