"""Nodes that change a schedule, or write one by hand."""

from typing import Annotated, Literal, NamedTuple

from diffusion import sigmas as schedule
from diffusion.model import Model
from diffusion.values import Sigmas
from graph.define import node
from graph.widgets import Range, Text

CATEGORY = "sampling/custom_sampling/sigmas"


class Parts(NamedTuple):
    """A schedule in two."""

    high_sigmas: Sigmas
    low_sigmas: Sigmas


@node("SplitSigmas", category=CATEGORY)
def split_sigmas(sigmas: Sigmas, step: Annotated[int, Range(0, 10_000)] = 0) -> Parts:
    """Cut a schedule in two at a step.

    Args:
        sigmas: The schedule.
        step: The first step of the second part.

    Returns:
        high_sigmas: The part with more noise.
        low_sigmas: The part with less; it starts where the first ends.
    """
    return Parts(*schedule.split(sigmas, step))


@node("SplitSigmasDenoise", category=CATEGORY)
def split_sigmas_denoise(
    sigmas: Sigmas, denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0
) -> Parts:
    """Cut a schedule in two by the share of the second part.

    Args:
        sigmas: The schedule.
        denoise: The share of the steps that the second part has.

    Returns:
        high_sigmas: The part with more noise; nothing where the second has no steps.
        low_sigmas: The part with less; it starts where the first ends.
    """
    return Parts(*schedule.split_denoise(sigmas, denoise))


@node("FlipSigmas", category=CATEGORY, outputs=("SIGMAS",))
def flip_sigmas(sigmas: Sigmas) -> Sigmas:
    """Turn a schedule round, so that a picture becomes noise.

    Args:
        sigmas: The schedule.

    Returns:
        From the last level to the first; a 0 to start from becomes 0.0001.
    """
    return schedule.flipped(sigmas)


@node("SetFirstSigma", category=CATEGORY, outputs=("SIGMAS",))
def set_first_sigma(
    sigmas: Sigmas, sigma: Annotated[float, Range(0.0, 20_000.0, step=0.001)] = 136.0
) -> Sigmas:
    """Start a schedule from another noise level.

    Args:
        sigmas: The schedule.
        sigma: The level to start from.

    Returns:
        The changed schedule.
    """
    return schedule.with_first(sigmas, sigma)


@node("ExtendIntermediateSigmas", category=CATEGORY, outputs=("SIGMAS",))
def extend_intermediate_sigmas(
    sigmas: Sigmas,
    steps: Annotated[int, Range(1, 100)] = 2,
    start_at_sigma: Annotated[float, Range(-1.0, 20_000.0, step=0.01)] = -1.0,
    end_at_sigma: Annotated[float, Range(0.0, 20_000.0, step=0.01)] = 12.0,
    spacing: Literal["linear", "cosine", "sine"] = "linear",
) -> Sigmas:
    """Make several steps of each in a part of a schedule.

    Args:
        sigmas: The schedule.
        steps: How many steps each becomes.
        start_at_sigma: The highest level where steps are divided; -1 is no limit.
        end_at_sigma: The lowest.
        spacing: How the new levels lie between the old ones.

    Returns:
        The finer schedule.
    """
    return schedule.refined(sigmas, steps, start_at_sigma, end_at_sigma, spacing)


@node("SamplingPercentToSigma", category=CATEGORY, outputs=("sigma_value",))
def sampling_percent_to_sigma(
    model: Model,
    sampling_percent: Annotated[float, Range(0.0, 1.0, step=0.0001)] = 0.0,
    return_actual_sigma: bool = False,
) -> float:
    """The noise level at which a part of the sampling is over.

    Args:
        model: The model whose noise levels are meant.
        sampling_percent: The part, 0 to 1.
        return_actual_sigma: At 0 and 1 give the model's own highest and lowest level, not those beyond.

    Returns:
        The noise level.
    """
    sigma = model.noise.percent_to_sigma(sampling_percent)
    return schedule.within(sigma, model.noise) if return_actual_sigma else sigma


@node("ManualSigmas", category="_for_testing/custom_sampling", experimental=True, outputs=("SIGMAS",))
def manual_sigmas(sigmas: Annotated[str, Text()] = "1, 0.5") -> Sigmas:
    """Write a schedule by hand.

    Args:
        sigmas: The noise levels, from high to low.

    Returns:
        The schedule.
    """
    return schedule.written(sigmas)
