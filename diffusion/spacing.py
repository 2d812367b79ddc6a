"""Schedules between levels that are named rather than those of a model, and some that papers give as numbers.

Arithmetic is float32 in the order the formulas are written. Every schedule ends in 0, but for Laplace's.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from math import exp, isclose, log
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
import torch
from torch import Tensor

from diffusion.errors import DiffusionError
from diffusion.noise_range import NoiseRange, linear_betas
from diffusion.values import Sigmas

ALIGNED_TIMES = MappingProxyType(
    {
        "SD1": (999, 850, 736, 645, 545, 455, 343, 233, 124, 24, 0),
        "SDXL": (999, 845, 730, 587, 443, 310, 193, 116, 53, 13, 0),
    }
)
ALIGNED_VIDEO = (700.0, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002)
LTX_TOKENS = (1024, 4096)
"""How many tokens of an LTX video the base and the highest shift are for."""


def karras_between(steps: int, low: float, high: float, rho: float = 7.0) -> Sigmas:
    """Karras et al. 2022 (arXiv:2206.00364), equation 5."""
    require_positive(rho=rho)
    start, end = high ** (1 / rho), low ** (1 / rho)
    return (*floats((start + torch.linspace(0, 1, steps) * (end - start)) ** rho), 0.0)


def exponential_between(steps: int, low: float, high: float) -> Sigmas:
    """Evenly spaced in the logarithm of sigma."""
    require_positive(sigma_min=low, sigma_max=high)
    return (*floats(torch.linspace(log(high), log(low), steps).exp()), 0.0)


def polyexponential(steps: int, low: float, high: float, rho: float = 1.0) -> Sigmas:
    """Spaced in the logarithm of sigma by a power; 1 is exponential."""
    require_positive(sigma_min=low, sigma_max=high)
    ramp = torch.linspace(1, 0, steps) ** rho
    return (*floats((ramp * (log(high) - log(low)) + log(low)).exp()), 0.0)


def variance_preserving(steps: int, beta_d: float, beta_min: float, eps_s: float) -> Sigmas:
    """The process of Song et al. 2020 (arXiv:2011.13456), times evenly from 1 down to `eps_s`."""
    t = torch.linspace(1, eps_s, steps)
    return (*floats((beta_d * t**2 / 2 + beta_min * t).expm1().sqrt()), 0.0)


def laplace(steps: int, low: float, high: float, mu: float, beta: float) -> Sigmas:
    """Hang et al. 2024 (arXiv:2407.03297): logarithms distributed as Laplace's. There is no 0 at the end."""
    centred = 0.5 - torch.linspace(0, 1, steps)
    levels = (mu - beta * centred.sign() * (1 - 2 * centred.abs() + 1e-5).log()).exp()
    return floats(levels.clamp(low, high))


def turbo(steps: int, noise: NoiseRange, denoise: float = 1.0) -> Sigmas:
    """The times SD-Turbo was distilled on, Sauer et al. 2023 (arXiv:2311.17042): 999, 899, ... 99."""
    first = 10 - int(10 * denoise)
    times = range(999, 0, -100)[first : first + steps]
    return (*(noise.sigma(time) for time in times), 0.0)


def align_your_steps(steps: int, model_type: str, denoise: float = 1.0) -> Sigmas:
    """Align Your Steps, Sabour et al. 2024 (arXiv:2404.14507): found for 10 steps, interpolated for more."""
    if model_type in ALIGNED_TIMES:
        table = linear_betas().sigmas
        levels: Sequence[float] = [table[time] for time in ALIGNED_TIMES[model_type]]
    else:
        levels = ALIGNED_VIDEO
    return _stretched(levels, steps, denoise)


def trajectory(steps: int, coeff: float, denoise: float = 1.0) -> Sigmas:
    """GITS, Chen et al. 2024 (arXiv:2405.11326): fewer steps where the path to a picture runs straight.

    steps: 2 to 20 were found on Stable Diffusion 1; more are interpolated from the 20.
    coeff: 0.8 to 1.5, the nearest that was tried; the higher, the more of the steps are at low noise.
    """
    tried = _kept_times()
    rows = tried[min(tried, key=lambda each: abs(each - coeff))]
    kept = rows[min(max(steps, 2), 20) - 2]
    return _stretched(_even_levels()[[0, *kept, -1]].tolist(), steps, denoise)


def flux_2(steps: int, tokens: int) -> Sigmas:
    """The shift that Black Forest Labs found for FLUX.2 by the number of tokens and steps."""
    few, many = 8.73809524e-05 * tokens + 1.89833333, 0.00016927 * tokens + 0.45666666
    mu = many if tokens > 4300 else few + (many - few) * (steps - 10) / 190
    return _shifted(torch.linspace(1, 0, steps + 1), mu)


def ltx_video(
    steps: int, tokens: int, max_shift: float, base_shift: float, terminal: float | None = None
) -> Sigmas:
    """LTX-Video, HaCohen et al. 2024 (arXiv:2501.00103): the shift grows with the number of tokens.

    terminal: the levels are stretched to have this one above 0.
    """
    base, highest = LTX_TOKENS
    mu = base_shift + (tokens - base) * (max_shift - base_shift) / (highest - base)
    sigmas = _shifted(torch.linspace(1, 0, steps + 1), mu)
    if terminal is None or isclose(sigmas[-2], 1.0):
        return sigmas
    stretch = (1 - sigmas[-2]) / (1 - terminal)
    return (*floats(torch.tensor([1 - (1 - sigma) / stretch for sigma in sigmas[:-1]])), 0.0)


@cache
def _kept_times() -> Mapping[float, tuple[tuple[int, ...], ...]]:
    """By coefficient, for 2 to 20 steps in order: which of 101 even times are kept between the ends."""
    path = Path(__file__).with_name("gits.json")
    return msgspec.json.decode(path.read_bytes(), type=dict[float, tuple[tuple[int, ...], ...]])


@cache
def _even_levels() -> np.ndarray:
    """The noise of Stable Diffusion 1 at 101 even times from the last to the first.

    Between two times the logarithm of alpha is a line, as in Lu et al. 2022 (arXiv:2206.00927), appendix D.
    """
    log_alpha = -np.log1p(np.square(linear_betas().sigmas)) / 2
    found = np.interp(np.linspace(999, 0, 101), np.arange(1000), log_alpha)
    return np.sqrt(np.expm1(-2 * found))


def _stretched(levels: Sequence[float], steps: int, denoise: float) -> Sigmas:
    """So many steps through `levels`, log-linear between them; at a `denoise`, the last of them."""
    found = np.interp(np.linspace(0, 1, steps + 1), np.linspace(0, 1, len(levels)), np.log(levels))
    kept = round(steps * denoise)
    return (*floats(torch.from_numpy(np.exp(found)).float())[steps - kept : steps], 0.0) if kept else ()


def floats(values: Tensor) -> tuple[float, ...]:
    """The elements as Python numbers."""
    numbers: list[float] = values.tolist()
    return tuple(numbers)


def _shifted(times: Tensor, mu: float) -> Sigmas:
    return (*floats(exp(mu) / (exp(mu) + (1 / times[:-1] - 1))), 0.0)


def require_positive(**numbers: float) -> None:
    """Refuse a number that is not above 0, by its name."""
    for name, number in numbers.items():
        if number <= 0:
            raise DiffusionError(f"{name} is {number}, but this schedule needs it above 0.", f"Raise {name}.")
