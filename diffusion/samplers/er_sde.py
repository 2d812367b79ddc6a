"""Extended reverse-time SDE solvers: one family from the ODE to SDEs with as much noise as one likes."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import sqrt
from typing import Any, Literal, TypeAlias

import numpy as np
from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step, signal
from diffusion.values import Sigmas

SolverType: TypeAlias = Literal["ER-SDE", "Reverse-time SDE", "ODE"]
Scaler: TypeAlias = Callable[[Any], Any]
"""How noise is scaled at a ratio of noise to signal, a number or an array of them; φ in the paper."""
POINTS = 200
"""How many points the sum has that stands for an integral over a step."""


def er_sde(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    flow: bool = False,
    s_noise: float = 1.0,
    max_stage: int = 3,
    scaler: Scaler | None = None,
) -> Iterator[Step]:
    """ER-SDE-Solver, Cui et al. 2023 (arXiv:2309.06169), algorithm 3, with the scaler of ER-SDE 5.

    scaler: `noise_scaler` gives others.
    """
    scale = scaler or _er_sde_5
    history: tuple[tuple[float, Tensor], ...] = ()
    slope_before = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            yield Step(denoised, denoised)
            continue
        alpha, alpha_next = signal(sigma, flow), signal(sigma_next, flow)
        here, there = sigma / alpha, sigma_next / alpha_next  # noise per signal
        r = float(scale(there) / scale(here))
        x = alpha_next / alpha * r * x + alpha_next * (1 - r) * denoised
        if history and max_stage > 1:
            first, second = _integrals(scale, here, there)
            slope = (denoised - history[0][1]) / (here - history[0][0])
            x = x + alpha_next * first * slope
            if slope_before is not None and len(history) > 1 and max_stage > 2:
                bend = (slope - slope_before) / ((here - history[1][0]) / 2)
                x = x + alpha_next * second * bend
            slope_before = slope
        variance = there**2 - here**2 * r**2
        x = x + noise(sigma, sigma_next) * (alpha_next * s_noise * sqrt(max(variance, 0.0)))
        history = ((here, denoised), *history)[:2]
        yield Step(x, denoised)


def noise_scaler(solver_type: SolverType, eta: float = 1.0) -> Scaler:
    """The scalers of the paper (arXiv:2309.06169, section 4): its own, and those of the SDE and the ODE.

    eta: the strength of the noise in the reverse-time SDE; 0 is the ODE.
    """
    if solver_type == "ER-SDE":
        return _er_sde_5
    power = 1.0 if solver_type == "ODE" else 1.0 + eta
    return lambda ratio: ratio**power


def _er_sde_5(ratio: Any) -> Any:
    return ratio * (np.exp(ratio**0.3) + 10)


def _integrals(scale: Scaler, here: float, there: float) -> tuple[float, float]:
    """What the first and second differences of the predictions are multiplied with."""
    change = there - here
    points = there - change / POINTS * np.arange(POINTS)
    pieces = -change / POINTS / scale(points)
    factor = float(scale(there))
    first = change + float(pieces.sum()) * factor
    return first, change**2 / 2 + float(((points - here) * pieces).sum()) * factor
