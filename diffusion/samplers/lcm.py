"""Consistency sampling: believe each prediction, then noise it again."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step
from diffusion.values import Sigmas


def lcm(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, flow: bool = False) -> Iterator[Step]:
    """Luo et al. 2023 (arXiv:2310.04378), algorithm 3; for models that predict the end in one step."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = x = denoise(x, sigma)
        if sigma_next > 0:
            x = (1 - sigma_next) * x if flow else x
            x = x + noise(sigma, sigma_next) * sigma_next
        yield Step(x, denoised)
