import pytest
import torch

from diffusion.guidance import cfg
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.schedules import karras
from diffusion.values import Latent
from nodes import guidance
from tests.diffusion.toy import NOISE, says, toy_model

CHANGES = [
    guidance.rescale_cfg,
    guidance.renorm_cfg,
    guidance.cfg_zero_star,
    guidance.cfg_norm,
    guidance.tangential_damping_cfg,
    guidance.adaptive_projected_guidance,
    guidance.epsilon_scaling,
    guidance.fresca,
    guidance.video_linear_cfg,
    guidance.video_triangle_cfg,
]
STRONG = {"fresca": {"scale_low": 2.0}}  # what the toy's prompts differ in is coarse
NEUTRAL = {
    "rescale_cfg": {"multiplier": 0.0},
    "renorm_cfg": {"renorm_cfg": 0.0},
    "adaptive_projected_guidance": {"norm_threshold": 0.0},
    "epsilon_scaling": {"scaling_factor": 1.0},
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
