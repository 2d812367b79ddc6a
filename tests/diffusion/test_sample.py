from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.controlnet import ControlNet
from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.guidance import cfg
from diffusion.noise import RunNoise, batch_of, initial_noise
from diffusion.sample import Guider, Job, prepare, require_family, sample, sample_both
from diffusion.samplers import SAMPLERS
from diffusion.schedules import between, karras, last_part, normal, simple
from diffusion.values import Latent
from tests.diffusion.toy import NOISE, ToyHandle, latent, says, toy_model

SCHEDULE = normal(6, NOISE)
HALF = torch.zeros(1, 1, 8, 8)
HALF[..., 4:] = 1


class Stop(BaseException):
    """What a host raises to end a run."""


def quiet(done, total, preview=None):
    pass


def job(model=None, positive=None, scale=2.0, sampler="euler", seed=3, adds_noise=True, **changes):
    guider = Guider(model or toy_model(), (positive or says(1),), (says(0),), cfg(scale))
    settings = {"latent": latent(), "sigmas": SCHEDULE, "noise": RunNoise(seed, not adds_noise)}
    return Job(guider, sampler=SAMPLERS[sampler], **(settings | changes))


def made(**changes):
    return sample(job(**changes), quiet).samples


def plain_euler(start, sigmas, seed, scale):
    """Text to image as one would write it down, without any of the machinery."""
    model = toy_model()
    x = start * 0.18215 + torch.randn(start.shape, generator=torch.Generator().manual_seed(seed)) * (
        (1 + sigmas[0] ** 2) ** 0.5 if sigmas[0] == NOISE.sigma(999) else sigmas[0]
    )
    for sigma, following in zip(sigmas, sigmas[1:], strict=False):
        wanted = model.denoised(x, sigma, torch.ones(1, 2, 3))
        unwanted = model.denoised(x, sigma, torch.zeros(1, 2, 3))
        denoised = unwanted + scale * (wanted - unwanted)
        x = x + (x - denoised) / sigma * (following - sigma)
    return x / 0.18215


@pytest.mark.parametrize("denoise", [1.0, 0.5])
def test_a_run_is_what_a_loop_written_by_hand_gives(denoise):
    sigmas = last_part(normal, 6, NOISE, denoise)
    expected = plain_euler(latent().samples, sigmas, 3, 2.0)
    assert torch.allclose(made(sigmas=sigmas), expected, atol=1e-4)


def test_an_empty_schedule_gives_the_latent_back():
    source = latent()
    assert sample(job(latent=source, sigmas=()), quiet) is source


@pytest.mark.parametrize("sampler", ["euler", "dpm_fast", "dpmpp_sde", "uni_pc"])
def test_a_schedule_of_one_level_makes_the_latent_as_noisy_and_the_other_part_of_a_split_goes_on(sampler):
    noisy = sample(job(sigmas=SCHEDULE[:1], sampler=sampler), quiet)
    rest = made(latent=noisy, sigmas=SCHEDULE, sampler=sampler, adds_noise=False)
    assert torch.allclose(rest, made(sampler=sampler), atol=1e-4)
    assert torch.allclose(made(sigmas=(0.0,), sampler=sampler), latent().samples, atol=1e-6)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_gives_the_same_latent_and_another_seed_another(sampler):
    one, same, other = (made(sampler=sampler, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_an_image_of_a_batch_comes_out_as_it_does_alone():
    whole = latent(3)
    alone = sample(job(latent=batch_of(whole, 1, 1)), quiet).samples
    assert torch.allclose(made(latent=whole)[1:2], alone, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_a_mask_keeps_ends_as_it_was_but_for_the_level_where_a_sampler_stops(sampler):
    source = latent(2, noise_mask=HALF)
    result = made(latent=source, sampler=sampler)
    stops_at = SCHEDULE[-2] if sampler in ("dpm_fast", "dpm_adaptive") else SAMPLERS[sampler].last
    start = (1 + SCHEDULE[0] ** 2) ** 0.5 / SCHEDULE[0] * initial_noise(source, 3)
    kept = source.samples + stops_at * start / 0.18215
    assert torch.allclose(result[..., :4], kept[..., :4], atol=1e-4)
    assert not torch.allclose(result[..., 4:], kept[..., 4:], atol=0.1)


def test_differential_diffusion_repaints_everything_at_the_models_lowest_level():
    source = latent(noise_mask=HALF)
    ends = [
        made(model=toy_model(differential=1.0), latent=source, sigmas=schedule(6, NOISE))[..., :4]
        for schedule in (simple, normal)
    ]
    assert torch.allclose(ends[0], source.samples[..., :4], atol=1e-5)
    assert not torch.allclose(ends[1], source.samples[..., :4], atol=1e-5)


def test_a_mask_that_selects_everything_changes_nothing():
    masked = made(latent=latent(noise_mask=torch.ones(1, 1, 64, 64)))
    assert torch.allclose(masked, made(), atol=1e-5)


@pytest.mark.parametrize(("sampler", "seed"), [("euler", 3), ("heun", 3), ("ddim", 4)])
def test_the_kept_part_is_shown_under_the_runs_noise_but_ddim_has_noise_of_its_own(sampler, seed):
    source, model = latent(noise_mask=HALF), toy_model()
    next(prepare(job(model, latent=source, sampler=sampler)).steps)
    sigma = SCHEDULE[0]
    expected = (source.samples * 0.18215 + sigma * initial_noise(source, seed)) / (sigma**2 + 1) ** 0.5
    assert torch.allclose(model.network.module.inputs[0][:1, :, :, :4], expected[..., :4], atol=1e-5)


def test_ddim_shows_the_kept_part_under_noise_of_its_own_in_a_run_that_starts_without_noise_too():
    source, model = latent(noise_mask=HALF), toy_model()
    silent = replace(job(model, latent=source, sampler="ddim"), noise=RunNoise(3, silent=True))
    next(prepare(silent).steps)
    sigma = SCHEDULE[0]
    expected = (source.samples * 0.18215 + sigma * initial_noise(source, 4)) / (sigma**2 + 1) ** 0.5
    assert torch.allclose(model.network.module.inputs[0][:1, :, :, :4], expected[..., :4], atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(middle=st.integers(1, 5), sampler=st.sampled_from(["euler", "heun", "ddim"]))
def test_two_runs_with_leftover_noise_make_one_whole_run(middle, sampler):
    first = sample(job(sigmas=between(SCHEDULE, 0, middle, leftover=True), sampler=sampler), quiet)
    second = made(latent=first, sigmas=between(SCHEDULE, middle, 99), sampler=sampler, adds_noise=False)
    assert torch.allclose(second, made(sampler=sampler), atol=1e-5)


def test_every_step_is_reported_with_a_preview_made_on_demand():
    seen = []
    sample(job(), lambda done, total, preview=None: preview and seen.append((done, total, preview().size)))
    assert seen == [(step, 6, (8, 8)) for step in range(1, 7)]


def test_whoever_watches_can_stop_a_run_between_steps():
    def watch(done, total, preview=None):
        if done == 3:
            raise Stop

    model = toy_model()
    with pytest.raises(Stop):
        sample(job(model), watch)
    assert len(model.network.module.shapes) == 3


def test_whoever_watches_can_stop_a_run_between_the_networks_blocks():
    calls = []

    def watch(done, total, preview=None):
        calls.append(done)
        if len(calls) == 3:
            raise Stop

    with pytest.raises(Stop):
        sample(job(), watch)
    assert calls == [0, 0, 0]


def test_a_prepared_run_goes_one_step_at_a_time():
    model = toy_model()
    run = prepare(job(model))
    assert model.network.module.shapes == []
    next(run.steps)
    assert len(model.network.module.shapes) == 1


def test_the_steps_of_a_prepared_run_end_where_sample_does():
    run = prepare(job())
    assert torch.equal(run.latent(list(run.steps)[-1].x).samples, made())


def test_a_prompt_that_does_not_say_its_family_passes():
    unknown = says(0).each(lambda entry: replace(entry, family=None))
    assert require_family(toy_model(), unknown) is None


@pytest.mark.parametrize("sampler", ["dpm_fast", "dpm_adaptive"])
def test_progress_of_a_sampler_with_steps_of_its_own_never_goes_beyond_the_schedule(sampler):
    seen = []
    sample(job(sampler=sampler), lambda done, total, preview=None: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (6, 6)


def test_a_step_that_leaves_noise_also_tells_what_it_was_aiming_at():
    both = sample_both(job(sigmas=between(SCHEDULE, 0, 3, leftover=True)), quiet)
    assert float(both.denoised.samples.std()) < float(both.latent.samples.std())


def test_at_the_end_of_a_run_both_results_are_one():
    both = sample_both(job(), quiet)
    assert torch.allclose(both.latent.samples, both.denoised.samples, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_where_a_schedule_has_one_step_every_sampler_still_ends(sampler):
    assert made(sampler=sampler, sigmas=(NOISE.sigma_max, 0.0)).isfinite().all()


def test_runs_can_be_advanced_in_turn():
    one, other = prepare(job(seed=1)), prepare(job(seed=2, sampler="dpmpp_2m"))
    ends = [pair[-1] for pair in zip(*zip(one.steps, other.steps, strict=True), strict=True)]
    assert torch.equal(one.latent(ends[0].x).samples, made(seed=1))
    assert torch.equal(other.latent(ends[1].x).samples, made(seed=2, sampler="dpmpp_2m"))


def test_a_prompt_of_another_family_is_refused_before_any_work():
    model = toy_model()
    foreign = says(0).each(lambda entry: replace(entry, family="flux"))
    with pytest.raises(FamilyMismatch):
        Guider(model, (says(1),), (foreign,))
    assert model.network.module.shapes == []


def test_numbers_that_break_down_are_told_with_the_step():
    broken = says(float("nan"))
    with pytest.raises(DiffusionError, match="fell apart at step 1 of 6"):
        sample(job(positive=broken), quiet)


@pytest.mark.parametrize("sampler", ["dpmpp_2m_sde", "sa_solver", "uni_pc"])
def test_levels_that_do_not_fall_are_named_where_a_sampler_cannot_take_them(sampler):
    with pytest.raises(DiffusionError, match="cannot go from noise level 5 to 5"):
        made(sampler=sampler, sigmas=(14.0, 5.0, 5.0, 1.0, 0.3, 0.0))


def test_a_schedule_turned_round_turns_a_picture_into_noise_and_back():
    source = latent()
    up = karras(60, NOISE)[-2::-1]
    noisy = made(latent=source, sigmas=up, scale=1.0, adds_noise=False)
    back = made(latent=Latent(noisy), sigmas=up[::-1], scale=1.0, adds_noise=False)
    assert float(noisy.std()) > 10 * float(source.samples.std())
    assert torch.allclose(back, source.samples, rtol=0.2, atol=0.5)


def test_an_empty_latent_takes_on_the_channels_of_the_model():
    assert made(latent=Latent(torch.zeros(1, 16, 8, 8))).shape == (1, 4, 8, 8)


def test_a_latent_of_another_model_is_refused():
    with pytest.raises(DiffusionError, match="16 channels"):
        made(latent=Latent(torch.ones(1, 16, 8, 8)))


def test_from_the_highest_level_the_noise_has_the_variance_of_the_training():
    run = prepare(replace(job(sigmas=(NOISE.sigma_max, 0.0)), latent=Latent(torch.zeros(1, 4, 8, 8))))
    step = next(run.steps)
    start = initial_noise(latent(), 3) * (1 + NOISE.sigma_max**2) ** 0.5
    wanted = toy_model().denoised(start, NOISE.sigma_max, torch.ones(1, 2, 3))
    unwanted = toy_model().denoised(start, NOISE.sigma_max, torch.zeros(1, 2, 3))
    assert torch.allclose(step.denoised, unwanted + 2 * (wanted - unwanted), atol=1e-5)


def test_without_guidance_the_negative_prompt_is_never_asked():
    model = toy_model()
    sample(job(model, scale=1.0), quiet)
    assert {shape[0] for shape in model.network.module.shapes} == {1}


def test_many_steps_find_what_the_prompt_says():
    result = made(sigmas=karras(40, NOISE), scale=1.0, latent=Latent(torch.zeros(8, 4, 16, 16)))
    assert float((result * 0.18215).mean()) == pytest.approx(1.0, abs=0.05)
    assert float((result * 0.18215).std()) == pytest.approx(0.5, abs=0.05)


def test_what_else_a_latent_carries_comes_along():
    source = latent(batch_index=(0,), extra={"note": 1})
    result = sample(job(latent=source, sigmas=simple(2, NOISE)), quiet)
    assert (result.batch_index, result.extra) == ((0,), {"note": 1})


def test_a_control_of_another_family_is_refused_before_any_work():
    control = ControlNet(ToyHandle(), "sdxl").control(torch.zeros(1, 8, 8, 3))
    with pytest.raises(FamilyMismatch, match="made for SDXL, but the model is Stable Diffusion 1"):
        require_family(toy_model(), says(0, controls=(control,)))
