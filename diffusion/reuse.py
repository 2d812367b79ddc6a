"""Fewer forwards: where a network's answers change little from step to step, the last one is carried on.

EasyCache, Zhou et al. 2025, "Less is Enough" (arXiv:2507.02860), section 3: of the network's input y and its
answer u, which is noise-like, the difference u - y of the last forward is kept while the change that the
inputs let expect is small.
"""

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor

from diffusion.guidance import Predict
from diffusion.hooks import Hook
from diffusion.noise_range import NoiseRange
from diffusion.prediction import Prediction
from diffusion.samplers.step import Guided, GuidedDenoise

log = logging.getLogger(__name__)

Answer: TypeAlias = Callable[[Tensor, float], Sequence[Tensor]]
"""The clean latents that are seen in x at a noise level."""
T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Reuse:
    """When answers are carried on.

    threshold: how much they may have changed since the last forward, as a part of their size. start, end: in
    which part of the sampling, 0 to 1. guided: what is carried on is the guided answer, not each of those it
    is made of. told: the log tells of each.
    """

    threshold: float
    start: float = 0.0
    end: float = 1.0
    guided: bool = False
    told: bool = False


class Seen(NamedTuple):
    """The last evaluation: input, noise-like answers, and their differences at the last forward.

    rate: how much the answers changed for each change of the input; None before the second forward.
    change: how much they should have changed since the last forward, as a part of their size.
    """

    y: Tensor
    answers: Tensor
    offsets: Tensor
    rate: float | None
    change: float


def carried_on(reuse: Reuse, answer: Answer, prediction: Prediction, noise: NoiseRange) -> Answer:
    """The same answers for one run, carried on where they change little."""
    first, last = noise.percent_to_sigma(reuse.start), noise.percent_to_sigma(reuse.end)
    seen: Seen | None = None

    def ask(x: Tensor, sigma: float) -> Sequence[Tensor]:
        nonlocal seen
        y = prediction.scale_input(x, sigma)
        if seen is not None and seen.rate is not None and last <= sigma <= first:
            whole = size(seen.answers)
            change = seen.change + seen.rate * size(y - seen.y) / max(whole, LEAST)
            if change < reuse.threshold and whole > 0:
                seen = seen._replace(y=y, answers=y + seen.offsets, change=change)
                if reuse.told:
                    log.info("no forward at noise level %.4g: change %.3f", sigma, change)
                return list(x - sigma * seen.answers)
        found = answer(x, sigma)
        answers = (x - torch.stack(tuple(found))) / sigma
        rate = None if seen is None else size(answers - seen.answers) / max(size(y - seen.y), LEAST)
        seen = Seen(y, answers, answers - y, rate, 0.0)
        return found

    return ask


LEAST = 1e-12


def size(values: Tensor) -> float:
    """The mean of the magnitudes."""
    return float(values.abs().mean())


def predicting_less(
    reuse: Reuse, predict: Predict[T], prediction: Prediction, noise: NoiseRange
) -> Predict[T]:
    """The network's predictions for one run; each set of descriptions is carried on by itself.

    Where it is asked with a change to the network, it is asked.
    """
    answers: dict[tuple[T, ...], Answer] = {}

    def asked(x: Tensor, sigma: float, lists: Sequence[T], hook: Hook | None = None, /) -> Sequence[Tensor]:
        if hook is not None:
            return predict(x, sigma, lists, hook)
        which = tuple(lists)
        if which not in answers:
            answers[which] = carried_on(reuse, lambda x, sigma: predict(x, sigma, which), prediction, noise)
        return answers[which](x, sigma)

    return asked


def denoising_less(
    reuse: Reuse, denoise: GuidedDenoise, prediction: Prediction, noise: NoiseRange
) -> GuidedDenoise:
    """The guided predictions for one run."""
    answer = carried_on(reuse, denoise, prediction, noise)
    return lambda x, sigma: Guided(*answer(x, sigma))
