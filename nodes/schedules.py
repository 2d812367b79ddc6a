"""Nodes that make a schedule: which noise levels a run passes through."""

from typing import Annotated, Literal

from diffusion import spacing
from diffusion.model import Model
from diffusion.schedules import SCHEDULES, beta_times, last_part
from diffusion.values import Latent, Sigmas
from graph.define import node
from graph.widgets import OneOf, Range

CATEGORY = "sampling/custom_sampling/schedulers"
Steps = Annotated[int, Range(1, 10_000)]
Level = Annotated[float, Range(0.0, 5000.0, step=0.01)]
Part = Annotated[float, Range(0.0, 1.0, step=0.01)]


@node("BasicScheduler", category=CATEGORY, outputs=("SIGMAS",))
def basic_scheduler(
    model: Model,
    scheduler: Annotated[str, OneOf(SCHEDULES)] = "simple",
    steps: Steps = 20,
    denoise: Part = 1.0,
) -> Sigmas:
    """The schedules of KSampler. Where one has more steps than asked for, its first are left out.

    Args:
        model: The model whose noise levels are used.
        scheduler: How the noise is spread over the steps.
        steps: How many steps.
        denoise: 1 starts from pure noise; less keeps more of the input.

    Returns:
        The schedule.
    """
    return last_part(SCHEDULES[scheduler], steps, model.noise, denoise)[-(steps + 1) :]


@node("KarrasScheduler", category=CATEGORY, outputs=("SIGMAS",))
def karras_scheduler(
    steps: Steps = 20,
    sigma_max: Level = 14.614642,
    sigma_min: Level = 0.0291675,
    rho: Annotated[float, Range(0.0, 100.0, step=0.01)] = 7.0,
) -> Sigmas:
    """Many steps at low noise.

    Args:
        steps: How many steps.
        sigma_max: The noise level to start from.
        sigma_min: The last one above 0.
        rho: The higher, the more steps at low noise.

    Returns:
        The schedule.
    """
    return spacing.karras_between(steps, sigma_min, sigma_max, rho)


@node("ExponentialScheduler", category=CATEGORY, outputs=("SIGMAS",))
def exponential_scheduler(
    steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675
) -> Sigmas:
    """Each noise level is the same part of the one before.

    Args:
        steps: How many steps.
        sigma_max: The noise level to start from.
        sigma_min: The last one above 0.

    Returns:
        The schedule.
    """
    return spacing.exponential_between(steps, sigma_min, sigma_max)


@node("PolyexponentialScheduler", category=CATEGORY, outputs=("SIGMAS",))
def polyexponential_scheduler(
    steps: Steps = 20,
    sigma_max: Level = 14.614642,
    sigma_min: Level = 0.0291675,
    rho: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Sigmas:
    """Exponential, bent towards one end.

    Args:
        steps: How many steps.
        sigma_max: The noise level to start from.
        sigma_min: The last one above 0.
        rho: 1 is exponential; the higher, the more steps at low noise.

    Returns:
        The schedule.
    """
    return spacing.polyexponential(steps, sigma_min, sigma_max, rho)


@node("LaplaceScheduler", category=CATEGORY, outputs=("SIGMAS",))
def laplace_scheduler(
    steps: Steps = 20,
    sigma_max: Level = 14.614642,
    sigma_min: Level = 0.0291675,
    mu: Annotated[float, Range(-10.0, 10.0, step=0.1)] = 0.0,
    beta: Annotated[float, Range(0.0, 10.0, step=0.1)] = 0.5,
) -> Sigmas:
    """Many steps around one noise level.

    Args:
        steps: How many levels. There is no 0 at the end.
        sigma_max: The noise level to start from.
        sigma_min: The lowest one.
        mu: The logarithm of the level that most steps are around.
        beta: How far they are spread.

    Returns:
        The schedule.
    """
    return spacing.laplace(steps, sigma_min, sigma_max, mu, beta)


@node("VPScheduler", category=CATEGORY, outputs=("SIGMAS",))
def vp_scheduler(
    steps: Steps = 20,
    beta_d: Level = 19.9,
    beta_min: Level = 0.1,
    eps_s: Annotated[float, Range(0.0, 1.0, step=0.0001)] = 0.001,
) -> Sigmas:
    """Even times of a variance-preserving process.

    Args:
        steps: How many steps.
        beta_d: How fast the noise grows faster.
        beta_min: How fast it grows at first.
        eps_s: The last time.

    Returns:
        The schedule.
    """
    return spacing.variance_preserving(steps, beta_d, beta_min, eps_s)


@node("BetaSamplingScheduler", category=CATEGORY, outputs=("SIGMAS",))
def beta_sampling_scheduler(
    model: Model,
    steps: Steps = 20,
    alpha: Annotated[float, Range(0.0, 50.0, step=0.01)] = 0.6,
    beta: Annotated[float, Range(0.0, 50.0, step=0.01)] = 0.6,
) -> Sigmas:
    """Times from a beta distribution.

    Args:
        model: The model whose noise levels are used.
        steps: How many steps, at most.
        alpha: The lower, the more steps at low noise.
        beta: The lower, the more steps at high noise.

    Returns:
        The schedule.
    """
    return beta_times(steps, model.noise, alpha, beta)


@node("SDTurboScheduler", category=CATEGORY, outputs=("SIGMAS",))
def sd_turbo_scheduler(
    model: Model,
    steps: Annotated[int, Range(1, 10)] = 1,
    denoise: Annotated[float, Range(0, 1.0, step=0.01)] = 1.0,
) -> Sigmas:
    """The noise levels that Turbo models were trained for.

    Args:
        model: The model whose noise levels are used.
        steps: How many steps.
        denoise: 1 starts from pure noise; less keeps more of the input.

    Returns:
        The schedule.
    """
    return spacing.turbo(steps, model.noise, denoise)


@node("AlignYourStepsScheduler", category=CATEGORY, outputs=("SIGMAS",))
def align_your_steps_scheduler(
    model_type: Literal["SD1", "SDXL", "SVD"] = "SD1", steps: Steps = 10, denoise: Part = 1.0
) -> Sigmas:
    """Noise levels found to be best for few steps.

    Args:
        model_type: The family of the model.
        steps: How many steps; they were found for 10.
        denoise: 1 starts from pure noise; less keeps more of the input.

    Returns:
        The schedule.
    """
    return spacing.align_your_steps(steps, model_type, denoise)


@node("GITSScheduler", category=CATEGORY, outputs=("SIGMAS",))
def gits_scheduler(
    coeff: Annotated[float, Range(0.8, 1.5, step=0.05)] = 1.2,
    steps: Annotated[int, Range(2, 1000)] = 10,
    denoise: Part = 1.0,
) -> Sigmas:
    """Noise levels that follow how the path to a picture bends, for few steps.

    Args:
        coeff: The higher, the more steps at low noise.
        steps: How many steps; they were found for 2 to 20.
        denoise: 1 starts from pure noise; less keeps more of the input.

    Returns:
        The schedule.
    """
    return spacing.trajectory(steps, coeff, denoise)


@node("Flux2Scheduler", category=CATEGORY, outputs=("SIGMAS",))
def flux2_scheduler(
    steps: Annotated[int, Range(1, 4096)] = 20,
    width: Annotated[int, Range(16, 16_384, step=1)] = 1024,
    height: Annotated[int, Range(16, 16_384, step=1)] = 1024,
) -> Sigmas:
    """The schedule of FLUX.2, which knows the size of the picture.

    Args:
        steps: How many steps.
        width: The width of the picture in pixels.
        height: Its height.

    Returns:
        The schedule.
    """
    return spacing.flux_2(steps, round(width * height / 256))


@node("LTXVScheduler", category=CATEGORY, outputs=("SIGMAS",))
def ltxv_scheduler(
    steps: Steps = 20,
    max_shift: Annotated[float, Range(0.0, 100.0, step=0.01)] = 2.05,
    base_shift: Annotated[float, Range(0.0, 100.0, step=0.01)] = 0.95,
    stretch: bool = True,
    terminal: Annotated[float, Range(0.0, 0.99, step=0.01)] = 0.1,
    latent: Latent | None = None,
) -> Sigmas:
    """The schedule of LTX-Video, which knows the size of the video.

    Args:
        steps: How many steps.
        max_shift: How much the noise is held up for a large video.
        base_shift: How much for a small one.
        stretch: Stretch the schedule so that its last level above 0 is `terminal`.
        terminal: The last level above 0.
        latent: The video's latent; without it, a large video is assumed.

    Returns:
        The schedule.
    """
    tokens = spacing.LTX_TOKENS[1] if latent is None else latent.samples[0, 0].numel()
    return spacing.ltx_video(steps, tokens, max_shift, base_shift, terminal if stretch else None)
