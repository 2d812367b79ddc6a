"""Heun's method: two slopes a step, averaged."""

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
