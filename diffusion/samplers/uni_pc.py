"""UniPC: a predictor, and a corrector that uses the next step's own prediction at no extra cost."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import expm1, factorial, log, sqrt
from typing import TypeAlias

import numpy as np
from torch import Tensor

from diffusion.samplers.step import Denoise, Step
from diffusion.values import Sigmas

LAST = 0.001
"""The level at which a schedule that goes to 0 ends: λ of 0 is infinite."""
HIGHEST_ORDER = 3
Known: TypeAlias = tuple[tuple[float, Tensor], ...]
"""Predictions and the λ each was made at, the latest first."""


def uni_pc(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """UniPC, Zhao et al. 2023 (arXiv:2302.04867), algorithms 5 and 6 for clean data, with B1(h) = h."""
    return _steps(denoise, x, sigmas, lambda h: h)


def uni_pc_bh2(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """`uni_pc` (arXiv:2302.04867) with B2(h) = e^h - 1."""
    return _steps(denoise, x, sigmas, expm1)


def _steps(denoise: Denoise, x: Tensor, sigmas: Sigmas, b: Callable[[float], float]) -> Iterator[Step]:
    """The state is that of a variance-preserving process, x / sqrt(1 + σ²), whose λ is -ln σ."""
    levels = sigmas if sigmas[-1] > 0 else (*sigmas[:-1], LAST)
    steps = len(levels) - 1
    highest = max(1, min(HIGHEST_ORDER, steps - 1))
    denoised = denoise(x, levels[0])
    known: Known = ((-log(levels[0]), denoised),)
    state = x * _alpha(levels[0])
    for step, (sigma, sigma_next) in enumerate(pairwise(levels), start=1):
        h = log(sigma / sigma_next)
        order = min(highest, step, steps + 1 - step)
        ratios, differences = _differences(known[:order], h)
        alpha, scale = _alpha(sigma_next), b(-h)
        base = sigma_next * alpha / (sigma * _alpha(sigma)) * state - alpha * expm1(-h) * known[0][1]

        state = base - alpha * scale * _weighted(_predictor(ratios, h, scale), differences)
        if step < steps:
            there = denoise(state / alpha, sigma_next)
            weights = _weights((*ratios, 1.0), h, scale) if order > 1 else [0.5]
            change = _weighted(weights, (*differences, there - known[0][1]))
            state = base - alpha * scale * change
            known = ((-log(sigma_next), there), *known)[:HIGHEST_ORDER]
        yield Step(state / alpha, denoised)
        denoised = known[0][1]


def _alpha(sigma: float) -> float:
    return 1 / sqrt(1 + sigma**2)


def _differences(known: Known, h: float) -> tuple[tuple[float, ...], tuple[Tensor, ...]]:
    """How far back earlier predictions lie, in steps, and how they differ from the latest, per step."""
    (latest, denoised), *earlier = known
    ratios = tuple((before - latest) / h for before, _ in earlier)
    return ratios, tuple((each - denoised) / r for r, (_, each) in zip(ratios, earlier, strict=True))


def _predictor(ratios: Sequence[float], h: float, scale: float) -> list[float]:
    return [0.5] if len(ratios) == 1 else _weights(ratios, h, scale)


def _weights(ratios: Sequence[float], h: float, scale: float) -> list[float]:
    """The weights that make the update exact to the order of how many there are (equations 10 and 11)."""
    target, part = [], expm1(-h) / -h - 1
    for order in range(1, len(ratios) + 1):
        target.append(part * factorial(order) / scale)
        part = part / -h - 1 / factorial(order + 1)
    powers = np.vander(ratios, increasing=True).T if ratios else np.zeros((0, 0))
    weights: list[float] = np.linalg.solve(powers, target).tolist()
    return weights


def _weighted(weights: Sequence[float], values: Sequence[Tensor]) -> Tensor | float:
    return sum((weight * value for weight, value in zip(weights, values, strict=True)), 0.0)
