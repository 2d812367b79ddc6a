"""DDPM: the Markov chain the first diffusion models were trained to reverse."""

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt

from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step
from diffusion.values import Sigmas


def ddpm(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, noise: Noise) -> Iterator[Step]:
    """Ho et al. 2020 (arXiv:2006.11239), algorithm 2, between any two levels."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        kept, kept_next = 1 / (1 + sigma**2), 1 / (1 + sigma_next**2)
        alpha = kept / kept_next
        predicted_noise = (x - denoised) / sigma
        state = x * sqrt(kept) - predicted_noise * ((1 - alpha) / sqrt(1 - kept))
        x = state / sqrt(alpha)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * sqrt((1 - alpha) * (1 - kept_next) / (1 - kept))
        x = x / sqrt(kept_next)
        yield Step(x, denoised)
