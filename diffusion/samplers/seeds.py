"""Stochastic explicit exponential solvers of second and third order; without noise, exponential Heun.

h is a step in λ, half the log signal-to-noise ratio; stages are taken at shares of it.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import exp, expm1, sqrt
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step, half_log_snr, level_at, partway, signal
from diffusion.values import Sigmas


class Scheme(NamedTuple):
    """A solver of SEEDS-2 (arXiv:2305.14267): where its stage is, and which φ functions weigh the two."""

    r: float = 0.5
    solver_type: Literal["phi_1", "phi_2"] = "phi_1"


HEUN = Scheme(1.0, "phi_2")


def seeds_2(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
    scheme: Scheme = Scheme(),  # noqa: B008  a value
) -> Iterator[Step]:
    """SEEDS-2, Gonzalez et al. 2023 (arXiv:2305.14267), for a model that predicts the clean latent."""
    r, solver_type = scheme
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            start, end = half_log_snr(sigma, flow), half_log_snr(sigma_next, flow)
            h = end - start
            middle = level_at(partway(start, end, r), flow)
            stage = middle / sigma * exp(-r * h * eta) * x
            stage = stage - signal(middle, flow) * expm1(-r * h * (1 + eta)) * denoised
            fresh = _carried(None, r * h * eta, noise(sigma, middle))
            there = denoise(stage + middle * s_noise * fresh, middle)

            total = -h * (1 + eta)
            weight = expm1(total) / (2 * r) if solver_type == "phi_1" else _psi(total) / r
            target = (expm1(total) - weight) * denoised + weight * there
            x = sigma_next / sigma * exp(-h * eta) * x - signal(sigma_next, flow) * target
            x = x + sigma_next * s_noise * _carried(fresh, (1 - r) * h * eta, noise(middle, sigma_next))
        yield Step(x, denoised)


def exp_heun_2_x0(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, flow: bool = False) -> Iterator[Step]:
    """Exponential Heun (Hochbruck & Ostermann 2010): SEEDS-2 (arXiv:2305.14267), r = 1, without noise."""
    return seeds_2(denoise, x, sigmas, noise=_silence, flow=flow, eta=0.0, scheme=HEUN)


def exp_heun_2_x0_sde(
    denoise: Denoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, flow: bool = False
) -> Iterator[Step]:
    """`exp_heun_2_x0` for the SDE: SEEDS-2 (arXiv:2305.14267) with r = 1."""
    return seeds_2(denoise, x, sigmas, noise=noise, flow=flow, scheme=HEUN)


def seeds_3(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """SEEDS-3, Gonzalez et al. 2023 (arXiv:2305.14267), with stages at a third and two thirds of a step."""
    r1, r2 = 1 / 3, 2 / 3
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            start, end = half_log_snr(sigma, flow), half_log_snr(sigma_next, flow)
            h = end - start
            total = h * (1 + eta)
            first, second = (level_at(partway(start, end, r), flow) for r in (r1, r2))

            stage = first / sigma * exp(-r1 * h * eta) * x
            stage = stage - signal(first, flow) * expm1(-r1 * total) * denoised
            fresh = _carried(None, r1 * h * eta, noise(sigma, first))
            there = denoise(stage + first * s_noise * fresh, first)

            weight = r2 / r1 * _psi(-r2 * total)
            target = (expm1(-r2 * total) - weight) * denoised + weight * there
            stage = second / sigma * exp(-r2 * h * eta) * x - signal(second, flow) * target
            fresh = _carried(fresh, (r2 - r1) * h * eta, noise(first, second))
            there = denoise(stage + second * s_noise * fresh, second)

            weight = _psi(-total) / r2
            target = (expm1(-total) - weight) * denoised + weight * there
            x = sigma_next / sigma * exp(-h * eta) * x - signal(sigma_next, flow) * target
            fresh = _carried(fresh, (1 - r2) * h * eta, noise(second, sigma_next))
            x = x + sigma_next * s_noise * fresh
        yield Step(x, denoised)


def _psi(h: float) -> float:
    return (expm1(h) - h) / h


def _carried(before: Tensor | None, eta_h: float, fresh: Tensor) -> Tensor:
    """The noise after a part of a step: what there was, damped, and as much fresh noise as was lost."""
    added = fresh * sqrt(-expm1(-2 * eta_h))
    return added if before is None else before * exp(-eta_h) + added


def _silence(_sigma: float, _sigma_next: float) -> Tensor:
    return torch.zeros(())
