"""Nodes that denoise a latent, guided by prompts."""

from typing import Annotated, Literal

from diffusion.guidance import cfg as guided_by
from diffusion.model import Model
from diffusion.named import named
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.samplers import SAMPLERS
from diffusion.schedules import SCHEDULES, between, last_part
from diffusion.values import Conditioning, Latent
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import OneOf, Range, Seed

Switch = Literal["enable", "disable"]


@node("KSampler", category="sampling", title="KSampler", outputs=("LATENT",))
def ksampler(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    seed: Seed = 0,
    steps: Annotated[int, Range(1, 10_000)] = 20,
    cfg: Annotated[float, Range(0.0, 100.0, step=0.1, round_to=0.01)] = 8.0,
    sampler_name: Annotated[str, OneOf(SAMPLERS)] = "euler",
    scheduler: Annotated[str, OneOf(SCHEDULES)] = "simple",
    denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
    *,
    progress: Progress = quiet,
) -> Latent:
    """Denoise a latent, guided by prompts.

    Args:
        model: The model that denoises.
        positive: What the picture should show.
        negative: What it should not.
        latent_image: Where to start: an empty latent, or a picture to change.
        seed: The noise to start from; the same seed and settings give the same picture.
        steps: More steps are slower and, up to a point, finer.
        cfg: How strongly the picture follows the prompt.
        sampler_name: The method that takes the steps.
        scheduler: How the noise is spread over the steps.
        denoise: 1 starts from pure noise; less keeps more of the input.

    Returns:
        The denoised latent.
    """
    guider, sampler = Guider(model, (positive,), (negative,), guided_by(cfg)), named(sampler_name, SAMPLERS)
    sigmas = last_part(
        named(scheduler, SCHEDULES), steps, model.noise, denoise, not sampler.skips_penultimate
    )
    return sample(Job(guider, latent_image, sigmas, sampler, RunNoise(seed)), progress)


@node("KSamplerAdvanced", category="sampling", title="KSampler (Advanced)", outputs=("LATENT",))
def ksampler_advanced(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    add_noise: Switch = "enable",
    noise_seed: Seed = 0,
    steps: Annotated[int, Range(1, 10_000)] = 20,
    cfg: Annotated[float, Range(0.0, 100.0, step=0.1, round_to=0.01)] = 8.0,
    sampler_name: Annotated[str, OneOf(SAMPLERS)] = "euler",
    scheduler: Annotated[str, OneOf(SCHEDULES)] = "simple",
    start_at_step: Annotated[int, Range(0, 10_000)] = 0,
    end_at_step: Annotated[int, Range(0, 10_000)] = 10_000,
    return_with_leftover_noise: Literal["disable", "enable"] = "disable",
    *,
    progress: Progress = quiet,
) -> Latent:
    """Run part of a schedule, so that several samplers can share one.

    Args:
        model: The model that denoises.
        positive: What the picture should show.
        negative: What it should not.
        latent_image: Where to start: an empty latent, a picture, or what an earlier sampler left noisy.
        add_noise: Off for a latent that is noisy already.
        noise_seed: The noise to start from.
        steps: How many steps the whole schedule has.
        cfg: How strongly the picture follows the prompt.
        sampler_name: The method that takes the steps.
        scheduler: How the noise is spread over the steps.
        start_at_step: Leave out the steps before this one.
        end_at_step: Stop at this step.
        return_with_leftover_noise: On to hand the noise that is left to the next sampler.

    Returns:
        The latent, noisy if it was to be.
    """
    guider, sampler = Guider(model, (positive,), (negative,), guided_by(cfg)), named(sampler_name, SAMPLERS)
    sigmas = last_part(named(scheduler, SCHEDULES), steps, model.noise, 1.0, not sampler.skips_penultimate)
    sigmas = between(sigmas, start_at_step, end_at_step, return_with_leftover_noise == "enable")
    noise = RunNoise(noise_seed, silent=add_noise == "disable")
    return sample(Job(guider, latent_image, sigmas, sampler, noise), progress)
