"""Heun's method: two slopes a step, averaged; or up to three, weighted by where they were taken."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.samplers.step import Denoise, Step
from diffusion.values import Sigmas


def heun(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Karras et al. 2022 (arXiv:2206.00364), algorithm 2 without churn: second order, two calls a step."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        slope = (x - denoised) / sigma
        ahead = x + slope * (sigma_next - sigma)
        if sigma_next == 0:
            x = ahead
        else:
            slope_ahead = (ahead - denoise(ahead, sigma_next)) / sigma_next
            x = x + (slope + slope_ahead) / 2 * (sigma_next - sigma)
        yield Step(x, denoised)


def heunpp2(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Algorithm 2 of Karras et al. 2022 (arXiv:2206.00364) with slopes from up to two levels ahead.

    A slope weighs less the lower its level stands below the first. The last step is Euler's, the one before
    has two slopes, all others three.
    """
    first, last = sigmas[0], sigmas[-1]
    for step, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        slope = slope_ahead = (x - denoised) / sigma
        state, level, weighted, left = x, sigma, 0 * slope, 1.0
        ahead = () if sigma_next == last else tuple(s for s in sigmas[step + 1 : step + 3] if s != last)
        for level_ahead in ahead:
            state = state + slope_ahead * (level_ahead - level)
            level = level_ahead
            slope_ahead = (state - denoise(state, level)) / level
            weight = level / ((len(ahead) + 1) * first)
            weighted, left = weighted + weight * slope_ahead, left - weight
        x = x + (left * slope + weighted) * (sigma_next - sigma)
        yield Step(x, denoised)
