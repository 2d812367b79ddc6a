"""DPM-Solver++ for the SDE: first, second and third order, with Brownian noise.

Steps are taken in λ, half the log signal-to-noise ratio; α is the part of the signal that is left at a level.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import exp, expm1, sqrt
from typing import Literal, NamedTuple

from torch import Tensor

from diffusion.errors import DiffusionError
from diffusion.samplers.step import (
    Denoise,
    Noise,
    Step,
    ancestral_split,
    half_log_snr,
    level_at,
    partway,
    signal,
)
from diffusion.values import Sigmas


def dpmpp_sde(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
) -> Iterator[Step]:
    """DPM-Solver++(2S), Lu et al. 2022 (arXiv:2211.01095), algorithm 1, with fresh noise at both stages."""
    if r == 0:
        raise DiffusionError("r is 0, but the second call must be made later than the first.", "Raise r.")
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            here = _level(sigma, flow)
            middle = partway(here.half_log_snr, half_log_snr(sigma_next, flow), r)
            halfway = _level(level_at(middle, flow), flow, middle)
            state, up = _ancestral(x, denoised, here, halfway, eta)
            state = state + _drawn(noise, sigma, halfway.sigma, s_noise * up)
            there = denoise(state, halfway.sigma)
            target = (1 - 1 / (2 * r)) * denoised + 1 / (2 * r) * there
            x, up = _ancestral(x, target, here, _level(sigma_next, flow), eta)
            x = x + _drawn(noise, sigma, sigma_next, s_noise * up)
        yield Step(x, denoised)


def dpmpp_2m_sde(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
    solver_type: Literal["midpoint", "heun"] = "midpoint",
) -> Iterator[Step]:
    """SDE-DPM-Solver++(2M), Lu et al. 2022 (arXiv:2211.01095), section 5.

    `heun` integrates the linear term exactly; `midpoint` takes it at half the step.
    """
    before, h_before = None, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            h = half_log_snr(sigma_next, flow) - half_log_snr(sigma, flow)
            total, alpha = h * (1 + eta), signal(sigma_next, flow)
            x = sigma_next / sigma * exp(-h * eta) * x - alpha * expm1(-total) * denoised
            if before is not None:
                share = -expm1(-total) / 2 if solver_type == "midpoint" else 1 + expm1(-total) / total
                x = x + alpha * share * h / h_before * (denoised - before)
            x = x + _drawn(noise, sigma, sigma_next, sigma_next * sqrt(-expm1(-2 * h * eta)) * s_noise)
            before, h_before = denoised, h
        yield Step(x, denoised)


def dpmpp_3m_sde(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """SDE-DPM-Solver++ of Lu et al. 2022 (arXiv:2211.01095) with three predictions (Katherine Crowson)."""
    history: tuple[tuple[Tensor, float], ...] = ()
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            h = half_log_snr(sigma_next, flow) - half_log_snr(sigma, flow)
            total, alpha = h * (1 + eta), signal(sigma_next, flow)
            x = sigma_next / sigma * exp(-h * eta) * x - alpha * expm1(-total) * denoised
            slope, bend = _differences(denoised, history, h)
            second = expm1(-total) / total + 1
            if slope is not None:
                x = x + alpha * second * slope
            if bend is not None:
                x = x - alpha * (second / total - 0.5) * bend
            x = x + _drawn(noise, sigma, sigma_next, sigma_next * sqrt(-expm1(-2 * h * eta)) * s_noise)
            history = ((denoised, h), *history)[:2]
        yield Step(x, denoised)


class _Level(NamedTuple):
    sigma: float
    half_log_snr: float
    alpha: float


def _level(sigma: float, flow: bool, lam: float | None = None) -> _Level:
    return _Level(sigma, half_log_snr(sigma, flow) if lam is None else lam, signal(sigma, flow))


def _ancestral(x: Tensor, target: Tensor, here: _Level, there: _Level, eta: float) -> tuple[Tensor, float]:
    """The step for a constant target, too far down, and how much noise makes up for it."""
    noise, noise_next = level_at(here.half_log_snr), level_at(there.half_log_snr)  # noise per signal, e^-λ
    down, up = ancestral_split(noise, noise_next, eta)
    kept = down / noise
    return there.alpha / here.alpha * kept * x + there.alpha * (1 - kept) * target, there.alpha * up


def _drawn(noise: Noise, sigma: float, sigma_next: float, amount: float) -> Tensor | float:
    """Some noise. A Brownian path costs time, and does not mind a draw that is left out."""
    return noise(sigma, sigma_next) * amount if amount else 0.0


def _differences(
    denoised: Tensor, history: tuple[tuple[Tensor, float], ...], h: float
) -> tuple[Tensor | None, Tensor | None]:
    """How predictions change over a step of length h, and how that changes."""
    if not history:
        return None, None
    (before, h1), *earlier = history
    r0 = h1 / h
    latest = (denoised - before) / r0
    if not earlier:
        return latest, None
    ((long_before, h2),) = earlier
    r1 = h2 / h
    previous = (before - long_before) / r1
    bend = (latest - previous) / (r0 + r1)
    return latest + bend * r0, bend
