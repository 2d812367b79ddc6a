"""The midpoint method in the logarithm of sigma, and its ancestral form."""

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt

from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step, ancestral_split, flow_ancestral_split
from diffusion.values import Sigmas


def dpm_2(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """DPM-Solver-2, Lu et al. 2022 (arXiv:2206.00927), in the sigmas of Karras et al. (arXiv:2206.00364)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        x = _midpoint(denoise, x, denoised, sigma, sigma_next)
        yield Step(x, denoised)


def dpm_2_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, flow: bool = False, eta: float = 1.0
) -> Iterator[Step]:
    """`dpm_2` that steps down too far and adds fresh noise, as in Song et al. 2020 (arXiv:2011.13456)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if flow:
            down, scale, up = flow_ancestral_split(sigma, sigma_next, eta)
        else:
            (down, up), scale = ancestral_split(sigma, sigma_next, eta), 1.0
        x = _midpoint(denoise, x, denoised, sigma, down)
        if down > 0:
            x = scale * x + noise(sigma, sigma_next) * up
        yield Step(x, denoised)


def _midpoint(denoise: Denoise, x: Tensor, denoised: Tensor, sigma: float, sigma_next: float) -> Tensor:
    slope = (x - denoised) / sigma
    if sigma_next == 0:
        return x + slope * (sigma_next - sigma)
    middle = sqrt(sigma * sigma_next)
    halfway = x + slope * (middle - sigma)
    return x + (halfway - denoise(halfway, middle)) / middle * (sigma_next - sigma)
