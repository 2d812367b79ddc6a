from dataclasses import replace

import pytest
import torch

from diffusion.encode import encode
from diffusion.errors import FamilyMismatch
from diffusion.guidance import cfg, perpendicular
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.schedules import karras
from diffusion.values import Latent
from nodes import guidance
from tests import tiny
from tests.diffusion.toy import NOISE, latent, says, toy_model

LATENT = Latent(torch.zeros(1, 4, 8, 8))
CHANGES = [
    guidance.rescale_cfg,
    guidance.renorm_cfg,
    guidance.cfg_zero_star,
    guidance.cfg_norm,
    guidance.tangential_damping_cfg,
    guidance.adaptive_projected_guidance,
    guidance.epsilon_scaling,
    guidance.temporal_score_rescaling,
    guidance.fresca,
    guidance.video_linear_cfg,
    guidance.video_triangle_cfg,
]
STRONG = {
    "fresca": {"scale_low": 2.0},
    "temporal_score_rescaling": {"tsr_k": 0.5},
}  # what the toy's prompts differ in is coarse
NEUTRAL = {
    "rescale_cfg": {"multiplier": 0.0},
    "renorm_cfg": {"renorm_cfg": 0.0},
    "adaptive_projected_guidance": {"norm_threshold": 0.0},
    "epsilon_scaling": {"scaling_factor": 1.0},
    "temporal_score_rescaling": {"tsr_k": 1.0},
    "fresca": {"scale_high": 1.0},
    "video_linear_cfg": {"min_cfg": 6.0},
    "video_triangle_cfg": {"min_cfg": 6.0},
}


def run(model, scale=6.0):
    guider = Guider(model, (says(1.5),), (says(-1),), cfg(scale))
    job = Job(guider, Latent(torch.zeros(3, 4, 8, 8)), karras(5, NOISE), noise=RunNoise(2))
    return sample(job, lambda *_, **__: None).samples


@pytest.mark.parametrize("change", [each for each in CHANGES if each is not guidance.rescale_cfg])
def test_a_change_of_guidance_gives_another_picture_that_is_made_of_numbers(change):
    result = run(change(toy_model(), **STRONG.get(change.__name__, {})))
    assert result.isfinite().all()
    assert not torch.allclose(result, run(toy_model()), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("change", [each for each in CHANGES if each.__name__ in NEUTRAL])
def test_with_neutral_settings_nothing_changes(change):
    changed = change(toy_model(), **NEUTRAL[change.__name__])
    assert torch.allclose(run(changed), run(toy_model()), atol=1e-3)


@pytest.mark.parametrize("change", CHANGES)
def test_the_model_that_comes_in_stays_as_it_is(change):
    model = toy_model()
    changed = change(model)
    assert changed.guidance is not model.guidance
    assert torch.equal(run(model), run(toy_model()))


def test_changes_add_up():
    both = guidance.epsilon_scaling(guidance.cfg_norm(toy_model()))
    assert not torch.equal(run(both), run(guidance.cfg_norm(toy_model())))
    assert not torch.equal(run(both), run(guidance.epsilon_scaling(toy_model())))


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    model, clip, _ = tiny.library(tiny.models(tmp_path_factory.mktemp("tiny"))).checkpoint(tiny.CHECKPOINT)
    return model, encode(clip, "a fox")


def made(model, prompt, scale=1.0):
    job = Job(Guider(model, (prompt,), (prompt,), cfg(scale)), LATENT, karras(3, NOISE), noise=RunNoise(2))
    return sample(job, lambda *_, **__: None).samples


@pytest.mark.parametrize("change", [guidance.perturbed_attention_guidance, guidance.self_attention_guidance])
def test_guidance_away_from_a_network_that_sees_less_changes_the_picture(unet, change):
    model, prompt = unet
    changed = made(change(model), prompt)
    assert changed.isfinite().all()
    assert not torch.allclose(changed, made(model, prompt), atol=1e-4)


def test_at_scale_zero_it_is_the_plain_picture_and_the_network_stays_what_it_was(unet):
    model, prompt = unet
    plain = made(model, prompt)
    for change in (guidance.perturbed_attention_guidance, guidance.self_attention_guidance):
        made(change(model, 4.0), prompt)
        assert torch.equal(made(change(model, 0.0), prompt), plain)
    assert torch.equal(made(model, prompt), plain)


def test_perpendicular_guidance_in_the_model_is_that_of_its_guider():
    model, job = toy_model(), {"latent": latent(), "sigmas": karras(5, NOISE), "noise": RunNoise(2)}
    deprecated = guidance.perp_neg(model, says(0.2), 2.0)
    by_model = Guider(deprecated, (says(1.5),), (says(-1),), cfg(6.0))
    by_guider = Guider(model, (says(1.5), says(0.2)), (says(-1),), perpendicular(6.0, 2.0))
    one, other = (sample(Job(each, **job), lambda *_, **__: None).samples for each in (by_model, by_guider))
    assert torch.allclose(one, other, atol=1e-5)


def test_an_empty_prompt_of_another_family_is_refused():
    other = says(0).each(lambda entry: replace(entry, family="sdxl"))
    with pytest.raises(FamilyMismatch):
        Guider(guidance.perp_neg(toy_model(), other), (says(1),), (says(0),), cfg(6.0))
