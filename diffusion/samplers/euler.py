"""Euler's method on the probability-flow ODE, and its ancestral form."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step, ancestral_split, flow_ancestral_split
from diffusion.values import Sigmas


def euler(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Karras et al. 2022 (arXiv:2206.00364), algorithm 2 without churn."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        slope = (x - denoised) / sigma
        x = x + slope * (sigma_next - sigma)
        yield Step(x, denoised)


def euler_ancestral(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """Song et al. 2020 (arXiv:2011.13456), ancestral sampling: step down too far, then add fresh noise.

    For rectified flow (`flow`) the latent is scaled as well, so that signal and noise keep adding up to 1.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if flow:
            x = _flow_step(x, denoised, (sigma, sigma_next), noise, eta, s_noise)
        else:
            down, up = ancestral_split(sigma, sigma_next, eta)
            if down == 0:
                x = denoised
            else:
                x = x + (x - denoised) / sigma * (down - sigma)
                x = x + noise(sigma, sigma_next) * (s_noise * up)
        yield Step(x, denoised)


def _flow_step(
    x: Tensor, denoised: Tensor, levels: tuple[float, float], noise: Noise, eta: float, s_noise: float
) -> Tensor:
    sigma, sigma_next = levels
    if sigma_next == 0:
        return denoised
    down, scale, renoise = flow_ancestral_split(sigma, sigma_next, eta)
    x = down / sigma * x + (1 - down / sigma) * denoised
    return scale * x + noise(sigma, sigma_next) * (s_noise * renoise)
