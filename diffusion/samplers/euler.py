"""Euler's method on the probability-flow ODE, its ancestral form, and both on the manifold of CFG++."""

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from torch import Tensor

from diffusion.samplers.step import (
    Denoise,
    GuidedDenoise,
    Noise,
    Step,
    ancestral_split,
    flow_ancestral_split,
    signal,
)
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


def euler_cfg_pp(denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas, *, flow: bool = False) -> Iterator[Step]:
    """CFG++, Chung et al. 2024 (arXiv:2406.08070), algorithm 2: the noise to keep is the unguided one."""
    return _manifold_steps(denoise, x, sigmas, None, flow, 0.0, 0.0)


def euler_ancestral_cfg_pp(
    denoise: GuidedDenoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """CFG++, Chung et al. 2024 (arXiv:2406.08070), with the fresh noise of `euler_ancestral`."""
    return _manifold_steps(denoise, x, sigmas, noise, flow, eta, s_noise)


def _manifold_steps(
    denoise: GuidedDenoise,
    x: Tensor,
    sigmas: Sigmas,
    noise: Noise | None,
    flow: bool,
    eta: float,
    s_noise: float,
) -> Iterator[Step]:
    for sigma, sigma_next in pairwise(sigmas):
        denoised, unguided = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            alpha, alpha_next = signal(sigma, flow), signal(sigma_next, flow)
            down, up = ancestral_split(sigma / alpha if alpha else inf, sigma_next / alpha_next, eta)
            slope = (x - alpha * unguided) / sigma
            x = alpha_next * denoised + (alpha_next * down) * slope
            if noise is not None and eta > 0:
                x = x + noise(sigma, sigma_next) * (alpha_next * s_noise * up)
        yield Step(x, denoised)
