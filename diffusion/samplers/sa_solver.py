"""Stochastic Adams: a multistep predictor and corrector for an SDE whose noise can be limited to a range."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, expm1, sqrt
from typing import NamedTuple

import numpy as np
from torch import Tensor

from diffusion.samplers.step import Denoise, Noise, Step, half_log_snr, signal
from diffusion.values import Sigmas


@dataclass(frozen=True, slots=True)
class Adams:
    """How far SA-Solver (arXiv:2309.05019) looks back, and how much noise it adds.

    simple_order_2: second order with the weights of appendix D. eta: the strength of the SDE, τ. s_noise: a
    factor on the noise.
    """

    predictor: int = 3
    corrector: int = 4
    simple_order_2: bool = False
    eta: float = 1.0
    s_noise: float = 1.0


class Known(NamedTuple):
    """A prediction of SA-Solver (arXiv:2309.05019), and the λ it was made at."""

    half_log_snr: float
    denoised: Tensor


class _Move(NamedTuple):
    """From one level to the next: λ at both ends; the ratio of the σ, σ and α at the end; τ, and a draw."""

    start: float
    end: float
    ratio: float
    sigma: float
    alpha: float
    tau: float
    fresh: Tensor | float


def sa_solver(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    stochastic: tuple[float, float],
    flow: bool = False,
    solver: Adams | None = None,
) -> Iterator[Step]:
    """SA-Solver, Xue et al. 2023 (arXiv:2309.05019), algorithm 1: predict, evaluate, correct.

    stochastic: the sigmas, the higher first, between which noise is added.
    """
    return _steps(denoise, x, sigmas, _Tau(noise, stochastic), flow, solver or Adams(), False)


def sa_solver_pece(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    stochastic: tuple[float, float],
    flow: bool = False,
    solver: Adams | None = None,
) -> Iterator[Step]:
    """`sa_solver` (arXiv:2309.05019) that evaluates once more after each correction."""
    return _steps(denoise, x, sigmas, _Tau(noise, stochastic), flow, solver or Adams(), True)


class _Tau(NamedTuple):
    """Where noise is added, and its source."""

    noise: Noise
    between: tuple[float, float]

    def move(self, sigma: float, sigma_next: float, flow: bool, solver: Adams) -> _Move:
        """The way to the next level, with its noise drawn."""
        high, low = self.between
        tau = solver.eta if high >= sigma_next >= low else 0.0
        fresh = solver.s_noise * self.noise(sigma, sigma_next) if tau > 0 else 0.0
        lambdas = half_log_snr(sigma, flow), half_log_snr(sigma_next, flow)
        return _Move(*lambdas, sigma_next / sigma, sigma_next, signal(sigma_next, flow), tau, fresh)


def _steps(
    denoise: Denoise, x: Tensor, sigmas: Sigmas, tau: _Tau, flow: bool, solver: Adams, evaluates_twice: bool
) -> Iterator[Step]:
    predicted, move = x, None
    known: tuple[Known, ...] = ()
    for step, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        left = len(sigmas) - 2 - step if sigmas[-1] == 0 else len(sigmas)
        denoised = denoise(predicted, sigma)
        here = half_log_snr(sigma, flow)
        known = (*known, Known(here, denoised))[-max(solver.predictor, solver.corrector) :]

        order = min(solver.corrector, len(known), left + 1)
        if move is None or order < 1 or (sigma_next == 0 and not evaluates_twice):
            x = predicted
        else:
            x = _integrated(x, move, known[-order:], solver.simple_order_2, corrects=True)
            if evaluates_twice:
                denoised = denoise(x, sigma)
                known = (*known[:-1], Known(here, denoised))

        if sigma_next == 0:
            predicted = denoised
        else:
            move = tau.move(sigma, sigma_next, flow, solver)
            order = min(solver.predictor, len(known), left)
            predicted = _integrated(x, move, known[-order:], solver.simple_order_2, corrects=False)
        yield Step(predicted, denoised)


def _integrated(x: Tensor, move: _Move, known: Sequence[Known], simple: bool, corrects: bool) -> Tensor:
    """The exact solution if predictions were the polynomial in λ through those known."""
    h, speed = move.end - move.start, 1 + move.tau**2
    if simple and len(known) == 2:
        weights = _simple_weights(move, known, speed, corrects)
    else:
        weights = _weights(move.end, h, speed, [each.half_log_snr for each in known])
    x = move.ratio * exp(-(move.tau**2) * h) * x
    for weight, each in zip(weights, known, strict=True):
        x = x + (move.alpha * weight) * each.denoised
    return x + move.sigma * sqrt(-expm1(-2 * move.tau**2 * h)) * move.fresh


def _weights(end: float, h: float, speed: float, nodes: Sequence[float]) -> list[float]:
    """The weights that are exact for powers of λ, counted from the end of the step."""
    moments = [-expm1(-speed * h)]
    for power in range(1, len(nodes)):
        moments.append(-exp(-speed * h) * (-h) ** power - power / speed * moments[-1])
    powers = np.vander([node - end for node in nodes], increasing=True).T
    weights: list[float] = np.linalg.solve(powers, moments).tolist()
    return weights


def _simple_weights(move: _Move, known: Sequence[Known], speed: float, corrects: bool) -> list[float]:
    h = move.end - move.start
    total = -expm1(-speed * h)
    older = total - speed * h / 2 if corrects else speed * h**2 / 2 / (known[0].half_log_snr - move.start)
    return [older, total - older]
