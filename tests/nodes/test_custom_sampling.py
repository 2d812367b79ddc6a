import pytest
import torch

from diffusion.errors import FamilyMismatch
from diffusion.noise import RunNoise, initial_noise
from diffusion.samplers import SAMPLERS
from diffusion.schedules import simple
from diffusion.values import Latent
from nodes.custom_sampling import (
    add_noise,
    basic_guider,
    cfg_guider,
    disable_noise,
    dual_cfg_guider,
    perp_neg_guider,
    random_noise,
    sampler_custom,
    sampler_custom_advanced,
)
from nodes.sampling import ksampler
from tests.diffusion.toy import NOISE, latent, says, toy_model

EMPTY = Latent(torch.zeros(1, 4, 8, 8))
SIX = simple(6, NOISE)
EULER = SAMPLERS["euler"]


def advanced(guider, noise=None, sigmas=SIX, source=EMPTY, **services):
    return sampler_custom_advanced(noise or random_noise(5), guider, EULER, sigmas, source, **services)


def plain(**settings):
    return ksampler(toy_model(), says(1), says(0), EMPTY, seed=5, steps=6, cfg=2.0, **settings).samples


@pytest.mark.parametrize("name", ["euler", "dpmpp_2m_sde", "euler_ancestral_cfg_pp"])
def test_put_together_by_hand_a_run_is_that_of_ksampler(name):
    guider = cfg_guider(toy_model(), says(1), says(0), 2.0)
    made = sampler_custom_advanced(random_noise(5), guider, SAMPLERS[name], SIX, EMPTY)
    assert torch.equal(made.latent.samples, plain(sampler_name=name))


def test_with_one_prompt_the_run_is_that_of_cfg_one():
    expected = ksampler(toy_model(), says(1), says(0), EMPTY, seed=5, steps=6, cfg=1.0).samples
    assert torch.equal(advanced(basic_guider(toy_model(), says(1))).latent.samples, expected)


def test_the_simple_node_gives_the_same_as_the_advanced_one():
    one = sampler_custom(toy_model(), says(1), says(0), EULER, SIX, EMPTY, noise_seed=5, cfg=2.0)
    assert torch.equal(one.latent.samples, plain())


def test_a_run_in_two_parts_without_new_noise_is_the_whole_run():
    guider = cfg_guider(toy_model(), says(1), says(0), 2.0)
    first = advanced(guider, sigmas=SIX[:4]).latent
    second = advanced(guider, disable_noise(), SIX[3:], first).latent
    assert torch.allclose(second.samples, plain(), atol=1e-5)


def test_the_second_output_is_what_the_last_step_was_aiming_at():
    made = advanced(cfg_guider(toy_model(), says(1), says(0), 2.0), sigmas=SIX[:4])
    assert float(made.denoised.samples.std()) < float(made.latent.samples.std())


def test_an_empty_schedule_gives_the_latent_back():
    made = advanced(basic_guider(toy_model(), says(1)), sigmas=(), source=EMPTY)
    assert made.latent is EMPTY
    assert made.denoised is EMPTY


def test_every_step_is_reported():
    seen = []
    guider = basic_guider(toy_model(), says(1))
    advanced(guider, progress=lambda done, total, preview=None: preview and seen.append((done, total)))
    assert seen == [(step, 6) for step in range(1, 7)]


def test_a_second_prompt_that_is_the_first_makes_dual_guidance_plain():
    dual = dual_cfg_guider(toy_model(), says(1), says(1), says(0), 4.0, 2.0)
    assert torch.allclose(advanced(dual).latent.samples, plain(), atol=1e-4)


def test_nested_guidance_differs_from_regular():
    regular, nested = (
        advanced(dual_cfg_guider(toy_model(), says(2), says(1), says(0), 3.0, 2.0, style)).latent.samples
        for style in ("regular", "nested")
    )
    assert not torch.allclose(regular, nested)


def test_an_empty_negative_prompt_makes_perpendicular_guidance_plain():
    guider = perp_neg_guider(toy_model(), says(1), says(0), says(0), 2.0)
    assert torch.allclose(advanced(guider).latent.samples, plain(), atol=1e-4)


def test_a_guider_refuses_a_prompt_of_another_family():
    foreign = says(0).each(lambda entry: type(entry)(entry.tokens, family="sdxl"))
    with pytest.raises(FamilyMismatch):
        basic_guider(toy_model(), foreign)


@pytest.mark.parametrize(("sigmas", "level"), [((3.0,), 3.0), ((5.0, 4.0, 2.0), 3.0)])
def test_noise_is_added_as_it_lies_between_two_levels(sigmas, level):
    source = latent()
    made = add_noise(toy_model(), RunNoise(7), sigmas, source).samples
    assert torch.allclose(made, source.samples + level / 0.18215 * initial_noise(source, 7), atol=1e-4)


def test_without_levels_no_noise_is_added():
    source = latent()
    assert add_noise(toy_model(), RunNoise(7), (), source) is source
