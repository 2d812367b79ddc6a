"""Nodes that put a run together from its parts: noise, a guider, a sampler, a schedule."""

from typing import Annotated, Literal

from diffusion import guidance
from diffusion.model import Model
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, Result, noised, sample_both
from diffusion.samplers import Sampler
from diffusion.values import Conditioning, Latent, Sigmas
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import Range, Seed

Scale = Annotated[float, Range(0.0, 100.0, step=0.1, round_to=0.01)]
BOTH = ("output", "denoised_output")


@node("SamplerCustom", category="sampling/custom_sampling", outputs=BOTH)
def sampler_custom(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
    add_noise: bool = True,
    noise_seed: Seed = 0,
    cfg: Scale = 8.0,
    *,
    progress: Progress = quiet,
) -> Result:
    """Denoise a latent with a sampler and a schedule of your own.

    Args:
        model: The model that denoises.
        positive: What the picture should show.
        negative: What it should not.
        sampler: The method that takes the steps.
        sigmas: The noise levels to pass through.
        latent_image: Where to start: an empty latent, a picture, or what an earlier sampler left noisy.
        add_noise: Off for a latent that is noisy already.
        noise_seed: The noise to start from.
        cfg: How strongly the picture follows the prompt.

    Returns:
        latent: The latent at the last noise level.
        denoised: The clean latent the last step was aiming at.
    """
    guider = Guider(model, (positive,), (negative,), guidance.cfg(cfg))
    noise = RunNoise(noise_seed, silent=not add_noise)
    return sample_both(Job(guider, latent_image, sigmas, sampler, noise), progress)


@node("SamplerCustomAdvanced", category="sampling/custom_sampling", outputs=BOTH)
def sampler_custom_advanced(
    noise: RunNoise,
    guider: Guider,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
    *,
    progress: Progress = quiet,
) -> Result:
    """Denoise a latent; every part of the run is a node of its own.

    Args:
        noise: The noise to start from.
        guider: The model, its prompts, and how they guide it.
        sampler: The method that takes the steps.
        sigmas: The noise levels to pass through.
        latent_image: Where to start: an empty latent, a picture, or what an earlier sampler left noisy.

    Returns:
        latent: The latent at the last noise level.
        denoised: The clean latent the last step was aiming at.
    """
    return sample_both(Job(guider, latent_image, sigmas, sampler, noise), progress)


@node("RandomNoise", category="sampling/custom_sampling/noise", outputs=("NOISE",))
def random_noise(noise_seed: Seed = 0) -> RunNoise:
    """Noise to start from.

    Args:
        noise_seed: The same seed gives the same noise.

    Returns:
        The noise.
    """
    return RunNoise(noise_seed)


@node("DisableNoise", category="sampling/custom_sampling/noise", outputs=("NOISE",))
def disable_noise() -> RunNoise:
    """No noise, for a latent that is noisy already.

    Returns:
        The silence.
    """
    return RunNoise(silent=True)


@node("AddNoise", category="_for_testing/custom_sampling/noise", experimental=True, outputs=("LATENT",))
def add_noise(model: Model, noise: RunNoise, sigmas: Sigmas, latent_image: Latent) -> Latent:
    """Make a latent as noisy as it would be between two noise levels.

    Args:
        model: The model whose noise levels these are.
        noise: The noise to add.
        sigmas: From the first level to the last. One alone is the level itself.
        latent_image: The clean latent.

    Returns:
        The noisy latent.
    """
    return noised(model, noise, sigmas, latent_image)


@node("BasicGuider", category="sampling/custom_sampling/guiders", outputs=("GUIDER",))
def basic_guider(model: Model, conditioning: Conditioning) -> Guider:
    """Follow one prompt, without guidance away from another.

    Args:
        model: The model that denoises.
        conditioning: What the picture should show.

    Returns:
        The guider.
    """
    return Guider(model, (conditioning,))


@node("CFGGuider", category="sampling/custom_sampling/guiders", outputs=("GUIDER",))
def cfg_guider(model: Model, positive: Conditioning, negative: Conditioning, cfg: Scale = 8.0) -> Guider:
    """Guide away from one prompt towards another.

    Args:
        model: The model that denoises.
        positive: What the picture should show.
        negative: What it should not.
        cfg: How strongly. 1 follows the positive prompt alone.

    Returns:
        The guider.
    """
    return Guider(model, (positive,), (negative,), guidance.cfg(cfg))


@node("DualCFGGuider", category="sampling/custom_sampling/guiders", outputs=("GUIDER",))
def dual_cfg_guider(
    model: Model,
    cond1: Conditioning,
    cond2: Conditioning,
    negative: Conditioning,
    cfg_conds: Scale = 8.0,
    cfg_cond2_negative: Scale = 8.0,
    style: Literal["regular", "nested"] = "regular",
) -> Guider:
    """Guide in two stages: from the negative prompt to the second, and from the second to the first.

    Args:
        model: The model that denoises.
        cond1: What the picture should show most of all.
        cond2: What it should show besides.
        negative: What it should not.
        cfg_conds: How strongly the first prompt is preferred to the second.
        cfg_cond2_negative: How strongly the second is preferred to the negative one.
        style: Nested guides towards what the two positive prompts give together.

    Returns:
        The guider.
    """
    guide = guidance.dual(cfg_conds, cfg_cond2_negative, style == "nested")
    return Guider(model, (cond1, cond2), (negative,), guide)


@node("PerpNegGuider", category="_for_testing", experimental=True, outputs=("GUIDER",))
def perp_neg_guider(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    empty_conditioning: Conditioning,
    cfg: Scale = 8.0,
    neg_scale: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Guider:
    """Guide away from a negative prompt only where it does not say what the positive one says too.

    Args:
        model: The model that denoises.
        positive: What the picture should show.
        negative: What it should not.
        empty_conditioning: An encoded empty prompt.
        cfg: How strongly the picture follows the prompts.
        neg_scale: How strongly it keeps away from the negative one.

    Returns:
        The guider.
    """
    guide = guidance.perpendicular(cfg, neg_scale)
    return Guider(model, (positive, empty_conditioning), (negative,), guide)
