"""DPM-Solver in its own steps: uneven orders in a fixed number of calls, or as long as the error asks for.

Both step evenly, or as they choose, in t = -ln σ from the first sigma to the last above 0; the sigmas between
do not matter, and neither steps to 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import atan, exp, expm1, inf, log, sqrt
from typing import TypeAlias

import torch
from torch import Tensor

from diffusion.errors import DiffusionError
from diffusion.samplers.step import Denoise, Noise, Step, ancestral_split
from diffusion.values import Sigmas

LARGE = 1e9
"""The error of a solution that is infinitely far off."""
PATIENCE = 100
"""How many steps in a row may miss the tolerance."""
Predicted: TypeAlias = Callable[[Tensor, float], Tensor]
"""The noise a model sees in x at a time t."""


def dpm_fast(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """DPM-Solver-fast, Lu et al. 2022 (arXiv:2206.00927), section 3.4: third order as far as it goes."""
    start, end = _interval(sigmas)
    calls = len(sigmas) - 1
    count = calls // 3 + 1
    orders = (*[3] * (count - 2), 2, 1) if calls % 3 == 0 else (*[3] * (count - 1), calls % 3)
    predicted = _noise_of(denoise)
    for step, order in enumerate(orders):
        t, t_next = (start + (end - start) * part / count for part in (step, step + 1))
        first = predicted(x, t)
        denoised = x - exp(-t) * first
        x = _singlestep(predicted, x, (t, t_next), first, order)
        yield Step(x, denoised, (step + 1) / count)


@dataclass(frozen=True, slots=True)
class Control:
    """How `dpm_adaptive` (arXiv:2206.00927) chooses its steps: tolerances, and a PID controller (p, i, d)."""

    rtol: float = 0.05
    atol: float = 0.0078
    h_init: float = 0.05
    gains: tuple[float, float, float] = (0.0, 1.0, 0.0)
    accept_safety: float = 0.81


def dpm_adaptive(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: Noise,
    order: int = 3,
    control: Control | None = None,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver-12 and -23 with adaptive steps, Lu et al. 2022 (arXiv:2206.00927), algorithm 4.

    The number of steps is the solver's own; only the range of sigmas is given.
    """
    control = control or Control()
    start, end = _interval(sigmas)
    predicted = _noise_of(denoise)
    t, h, x_before, errors, rejected = start, control.h_init, x, (0.0, 0.0, 0.0), 0
    while t < end - 1e-5:
        if rejected == PATIENCE or t + h == t:
            raise DiffusionError(
                f"dpm_adaptive found no step that meets its tolerance at sigma {exp(-t):.4g}.",
                "Raise rtol, atol or h_init, or lower accept_safety.",
            )
        t_next = min(end, t + h)
        down, up = _split(t, t_next, end, eta)
        first = predicted(x, t)
        low, high = _pair(predicted, x, (t, down), first, order)
        inverse = 1 / (_error(low, high, x_before, control) + 1e-8)
        errors = (inverse, *errors[1:]) if any(errors) else (inverse,) * 3
        factor = 1 + atan(_proposed(errors, control.gains, order) - 1)
        if accepted := factor >= control.accept_safety:
            denoised = x - exp(-t) * first
            x_before, x = low, high
            if up:
                x = x + noise(exp(-t), exp(-t_next)) * (s_noise * up)
            errors = (errors[0], errors[0], errors[1])
            t, rejected = t_next, 0
        else:
            rejected += 1
        h *= factor
        if accepted:
            yield Step(x, denoised, (t - start) / (end - start))


def _interval(sigmas: Sigmas) -> tuple[float, float]:
    """From the first sigma to the last above 0, in t."""
    last = sigmas[-1] if sigmas[-1] > 0 else sigmas[-2]
    return -log(sigmas[0]), -log(last)


def _noise_of(denoise: Denoise) -> Predicted:
    def predicted(x: Tensor, t: float) -> Tensor:
        sigma = exp(-t)
        return (x - denoise(x, sigma)) / sigma

    return predicted


def _singlestep(
    predicted: Predicted,
    x: Tensor,
    times: tuple[float, float],
    first: Tensor,
    order: int,
) -> Tensor:
    """DPM-Solver-1, -2 (r = 1/2) or -3 (r = 1/3 and 2/3), in terms of the predicted noise."""
    if order == 1:
        return _first_order(x, times, first)
    if order == 2:
        return _second_order(predicted, x, times, first, 0.5)[0]
    return _third_order(predicted, x, times, first, _second_order(predicted, x, times, first, 1 / 3)[1])


def _pair(
    predicted: Predicted, x: Tensor, times: tuple[float, float], first: Tensor, order: int
) -> tuple[Tensor, Tensor]:
    """A solution of the order below, and one of the order."""
    if order == 2:
        return _first_order(x, times, first), _second_order(predicted, x, times, first, 0.5)[0]
    low, at_third = _second_order(predicted, x, times, first, 1 / 3)
    return low, _third_order(predicted, x, times, first, at_third)


def _first_order(x: Tensor, times: tuple[float, float], first: Tensor) -> Tensor:
    t, t_next = times
    return x - exp(-t_next) * expm1(t_next - t) * first


def _second_order(
    predicted: Predicted, x: Tensor, times: tuple[float, float], first: Tensor, r: float
) -> tuple[Tensor, Tensor]:
    """The solution, and the noise predicted a share r of the way."""
    t, t_next = times
    h, middle = t_next - t, t + r * (t_next - t)
    there = predicted(_first_order(x, (t, middle), first), middle)
    change = exp(-t_next) / (2 * r) * expm1(h) * (there - first)
    return _first_order(x, times, first) - change, there


def _third_order(
    predicted: Predicted, x: Tensor, times: tuple[float, float], first: Tensor, at_third: Tensor
) -> Tensor:
    t, t_next = times
    h, r1, r2 = t_next - t, 1 / 3, 2 / 3
    later = t + r2 * h
    stage = _first_order(x, (t, later), first)
    stage = stage - exp(-later) * (r2 / r1) * _phi(r2 * h) * (at_third - first)
    return _first_order(x, times, first) - exp(-t_next) / r2 * _phi(h) * (predicted(stage, later) - first)


def _phi(h: float) -> float:
    return expm1(h) / h - 1


def _split(t: float, t_next: float, end: float, eta: float) -> tuple[float, float]:
    """The time to step to, and how much noise leads back from there to `t_next`."""
    if eta == 0:
        return t_next, 0.0
    sigma_next = exp(-t_next)
    down, _ = ancestral_split(exp(-t), sigma_next, eta)
    further = min(end, -log(down) if down else inf)
    return further, sqrt(max(sigma_next**2 - exp(-further) ** 2, 0.0))


def _error(low: Tensor, high: Tensor, before: Tensor, control: Control) -> float:
    allowed = torch.maximum(low.abs(), before.abs()).mul(control.rtol).clamp(min=control.atol)
    return min(float(((low - high) / allowed).square().mean().sqrt()), LARGE)


def _proposed(errors: tuple[float, ...], gains: tuple[float, float, float], order: int) -> float:
    """The factor for the next step, from the inverse errors of this one and the two before."""
    p, i, d = gains
    powers = ((p + i + d) / order, -(p + 2 * d) / order, d / order)
    return exp(sum(power * log(error) for error, power in zip(errors, powers, strict=True)))
