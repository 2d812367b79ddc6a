"""Schedules: which noise levels a run passes through, from a number of steps and a model's noise range.

Every sigma is exactly a float32 value held in a Python float, and the last one is 0.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from math import atan, exp, lgamma, log, log1p
from types import MappingProxyType
from typing import TypeAlias

import torch

from diffusion.noise_range import NoiseRange
from diffusion.spacing import exponential_between, floats, karras_between, require_positive
from diffusion.values import Sigmas

Schedule: TypeAlias = Callable[[int, NoiseRange], Sigmas]


def simple(steps: int, noise: NoiseRange) -> Sigmas:
    """Every n-th entry of the model's table, from its noisy end.

    The stride is rounded before it is multiplied: at 38 steps one entry is not that of exact numbers.
    """
    table, stride = noise.sigmas, len(noise.sigmas) / steps
    return (*(table[len(table) - 1 - int(step * stride)] for step in range(steps)), 0.0)


def normal(steps: int, noise: NoiseRange) -> Sigmas:
    """Evenly spaced in the time the network sees."""
    first, last = noise.timestep(noise.sigma_max), noise.timestep(noise.sigma_min)
    if abs(noise.sigma(last)) <= 1e-5:
        return tuple(noise.sigma(t) for t in floats(torch.linspace(first, last, steps + 1)))
    return (*(noise.sigma(t) for t in floats(torch.linspace(first, last, steps))), 0.0)


def sgm_uniform(steps: int, noise: NoiseRange) -> Sigmas:
    """Evenly spaced in time, without the least noisy end; the spacing of Stability's generative-models."""
    first, last = noise.timestep(noise.sigma_max), noise.timestep(noise.sigma_min)
    return (*(noise.sigma(t) for t in floats(torch.linspace(first, last, steps + 1)[:-1])), 0.0)


def karras(steps: int, noise: NoiseRange) -> Sigmas:
    """Karras et al. 2022 (arXiv:2206.00364), equation 5, with rho 7."""
    return karras_between(steps, noise.sigma_min, noise.sigma_max)


def exponential(steps: int, noise: NoiseRange) -> Sigmas:
    """Evenly spaced in the logarithm of sigma."""
    return exponential_between(steps, noise.sigma_min, noise.sigma_max)


def ddim_uniform(steps: int, noise: NoiseRange) -> Sigmas:
    """The spacing of DDIM, Song et al. 2020 (arXiv:2010.02502). It may give more steps than asked for."""
    table = noise.sigmas
    reaches_zero = abs(table[1]) <= 1e-5
    stride = max(len(table) // (steps + reaches_zero), 1)
    picked = tuple(reversed(table[1::stride]))
    return picked if reaches_zero else (*picked, 0.0)


def beta(steps: int, noise: NoiseRange) -> Sigmas:
    """Times from a beta distribution, Lee et al. 2024 (arXiv:2407.12173). It may give fewer steps."""
    return beta_times(steps, noise, 0.6, 0.6)


def beta_times(steps: int, noise: NoiseRange, a: float, b: float) -> Sigmas:
    """`beta` with free shape parameters."""
    require_positive(alpha=a, beta=b)
    table = noise.sigmas
    last = len(table) - 1

    def share_below(index: int) -> float:
        return _beta_cdf((index + 0.5) / last, a, b)

    # Rounding a quantile to the table is counting the midpoints below it: no inverse of the CDF needed.
    # The tolerance keeps the exact half in the middle on the even side, whatever the last bit says.
    indices = [bisect_right(range(last), 1 - step / steps + 1e-12, key=share_below) for step in range(steps)]
    kept = [
        index for position, index in enumerate(indices) if position == 0 or index != indices[position - 1]
    ]
    return (*(table[index] for index in kept), 0.0)


def linear_quadratic(steps: int, noise: NoiseRange) -> Sigmas:
    """Slow and linear at first, then quadratic; the schedule of the Mochi video model."""
    if steps == 1:
        return (noise.sigma_max, 0.0)
    threshold, linear_steps = 0.025, steps // 2
    quadratic_steps = steps - linear_steps
    gap = linear_steps - threshold * steps
    square = gap / (linear_steps * quadratic_steps**2)
    slope = threshold / linear_steps - 2 * gap / quadratic_steps**2
    offset = square * linear_steps**2
    done = [
        step * threshold / linear_steps if step < linear_steps else square * step**2 + slope * step + offset
        for step in range(steps)
    ]
    return floats(torch.tensor([1.0 - d for d in (*done, 1.0)]) * noise.sigma_max)


def kl_optimal(steps: int, noise: NoiseRange) -> Sigmas:
    """Sabour et al. 2024, Align Your Steps (arXiv:2404.14507), theorem 3.1. One step starts at the top."""
    done = torch.arange(steps, dtype=torch.float32) / max(steps - 1, 1)
    return (*floats((done * atan(noise.sigma_min) + (1 - done) * atan(noise.sigma_max)).tan()), 0.0)


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {
        "simple": simple,
        "sgm_uniform": sgm_uniform,
        "karras": karras,
        "exponential": exponential,
        "ddim_uniform": ddim_uniform,
        "beta": beta,
        "normal": normal,
        "linear_quadratic": linear_quadratic,
        "kl_optimal": kl_optimal,
    }
)


def last_part(
    schedule: Schedule, steps: int, noise: NoiseRange, denoise: float, penultimate: bool = True
) -> Sigmas:
    """The end of a schedule: with `denoise` 0.5, the last `steps` of twice as many.

    Nothing is left at `denoise` 0. Without `penultimate`, the last sigma above 0 is left out, as those want
    that evaluate between two levels.
    """
    if denoise <= 0:
        return ()
    whole = steps if denoise > 0.9999 else int(steps / denoise)
    sigmas = schedule(whole if penultimate else whole + 1, noise)
    if not penultimate:
        sigmas = (*sigmas[:-2], *sigmas[-1:])
    return sigmas if denoise > 0.9999 else sigmas[-(steps + 1) :]


def between(sigmas: Sigmas, start: int, end: int, leftover: bool = False) -> Sigmas:
    """The steps from `start` to `end`. Unless noise may be left over, an early end jumps straight to 0."""
    if end < len(sigmas) - 1:
        sigmas = sigmas[: end + 1] if leftover else (*sigmas[:end], 0.0)
    return sigmas[start:] if start < len(sigmas) - 1 else ()


def _beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22) after Lentz."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_cdf(1 - x, b, a)
    tiny, fraction, c, d = 1e-300, 1.0, 1.0, 0.0
    for term in range(200):
        m = term // 2
        if term == 0:
            numerator = 1.0
        elif term % 2 == 0:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / (1 + numerator * d or tiny)
        c = 1 + numerator / c or tiny
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front * (fraction - 1)
