"""DPM-Solver++: the ODE solved exactly in its linear part, in half the log signal-to-noise ratio."""

from collections.abc import Iterator
from itertools import pairwise
from math import expm1, log, sqrt

from torch import Tensor

from diffusion.samplers.step import (
    Denoise,
    GuidedDenoise,
    Noise,
    Step,
    ancestral_split,
    flow_ancestral_split,
    half_log_snr,
    level_at,
    partway,
)
from diffusion.values import Sigmas

NEARLY_NOISE = 0.9999
"""The level halfway between pure noise and another, for a flow model, whose λ of pure noise is infinite."""


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """DPM-Solver++(2M), Lu et al. 2022 (arXiv:2211.01095), algorithm 2."""
    before, h_before = None, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            h = log(sigma / sigma_next)  # a step in half the log signal-to-noise ratio
            target = denoised if before is None else denoised + (denoised - before) * h / (2 * h_before)
            x = sigma_next / sigma * x - expm1(-h) * target
            before, h_before = denoised, h
        yield Step(x, denoised)


def dpmpp_2m_cfg_pp(denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """`dpmpp_2m` (arXiv:2211.01095) on the manifold of CFG++, Chung et al. 2024 (arXiv:2406.08070)."""
    before, h_before = None, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised, unguided = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            h = log(sigma / sigma_next)
            x = denoised + sigma_next / sigma * (x - unguided)
            if before is not None:
                x = x - expm1(-h) * h / (2 * h_before) * (denoised - before)
            before, h_before = unguided, h
        yield Step(x, denoised)


def dpmpp_2s_ancestral(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver++(2S), Lu et al. 2022 (arXiv:2211.01095), algorithm 1, r = 1/2, with ancestral noise."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if flow:
            down, scale, up = flow_ancestral_split(sigma, sigma_next, eta)
        else:
            (down, up), scale = ancestral_split(sigma, sigma_next, eta), 1.0
        if down == 0:
            x = denoised
        else:
            middle = _middle(sigma, down, flow)
            halfway = _interpolated(x, denoised, middle / sigma)
            x = _interpolated(x, denoise(halfway, middle), down / sigma)
        if sigma_next > 0:
            x = scale * x + noise(sigma, sigma_next) * (s_noise * up)
        yield Step(x, denoised)


def dpmpp_2s_ancestral_cfg_pp(
    denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Iterator[Step]:
    """`dpmpp_2s_ancestral` (arXiv:2211.01095) in the manner of CFG++, Chung et al. 2024 (arXiv:2406.08070).

    Both stages move by the difference of guided and unguided; the second takes it from its own prediction.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised, unguided = denoise(x, sigma)
        down, up = ancestral_split(sigma, sigma_next, eta)
        if down == 0:
            x = denoised
        else:
            middle = sqrt(sigma * down)
            halfway = _interpolated(x + denoised - unguided, denoised, middle / sigma)
            guided_there, unguided_there = denoise(halfway, middle)
            x = _interpolated(x + denoised - unguided_there, guided_there, down / sigma)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (s_noise * up)
        yield Step(x, denoised)


def _interpolated(x: Tensor, denoised: Tensor, kept: float) -> Tensor:
    """The exact step for a constant prediction: e^-h x + (1 - e^-h) D, where e^-h is the ratio of levels."""
    return kept * x + (1 - kept) * denoised


def _middle(sigma: float, down: float, flow: bool) -> float:
    """The level halfway in λ."""
    if not flow:
        return sqrt(sigma * down)
    if sigma == 1:
        return NEARLY_NOISE
    return level_at(partway(half_log_snr(sigma, flow), half_log_snr(down, flow), 0.5), flow)
