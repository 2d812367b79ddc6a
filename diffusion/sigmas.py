"""Changes to a schedule: cut it, turn it round, refine a part, write it by hand."""

import re
from collections.abc import Callable, Mapping
from math import cos, inf, pi, sin
from types import MappingProxyType

import torch

from diffusion.errors import DiffusionError
from diffusion.noise_range import NoiseRange
from diffusion.values import Sigmas

FIRST_ABOVE_ZERO = 0.0001
"""What a schedule that is turned round starts with: nothing can be divided by 0."""
SPACINGS: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "linear": lambda part: part,
        "cosine": lambda part: sin(part * pi / 2),
        "sine": lambda part: 1 - cos(part * pi / 2),
    }
)
"""How far the level has gone after a part of the way, 0 to 1."""


def split(sigmas: Sigmas, step: int) -> tuple[Sigmas, Sigmas]:
    """The steps before a step and those from it on; both have the level between them."""
    return sigmas[: step + 1], sigmas[step:]


def split_denoise(sigmas: Sigmas, denoise: float) -> tuple[Sigmas, Sigmas]:
    """Split so that the second part has this share of the steps. If it has none, neither part has any."""
    kept = round((len(sigmas) - 1) * denoise)
    return sigmas[:-kept] if kept else (), sigmas[max(0, len(sigmas) - 1 - kept) :]


def flipped(sigmas: Sigmas) -> Sigmas:
    """From the last level back to the first, for a run that adds noise."""
    turned = sigmas[::-1]
    return (float32(FIRST_ABOVE_ZERO), *turned[1:]) if turned and turned[0] == 0 else turned


def with_first(sigmas: Sigmas, sigma: float) -> Sigmas:
    """With another level to start from."""
    return (float32(sigma), *sigmas[1:])


def refined(sigmas: Sigmas, steps: int, start: float, end: float, spacing: str) -> Sigmas:
    """Each step from a level between `start` and `end` is made in so many; a negative `start` is no limit."""
    highest, place = (inf if start < 0 else start), SPACINGS[spacing]
    found: list[float] = []
    for sigma, sigma_next in zip(sigmas, sigmas[1:], strict=False):
        count = steps if end <= sigma <= highest else 1
        found += [float32(sigma + (sigma_next - sigma) * place(part / count)) for part in range(count)]
    return (*found, *sigmas[-1:])


def within(sigma: float, levels: NoiseRange) -> float:
    """The level of a model that is nearest."""
    return min(max(sigma, levels.sigma_min), levels.sigma_max)


def written(text: str) -> Sigmas:
    """All numbers of a text, whatever stands between them. Raises DiffusionError if one is below 0."""
    numbers = [float(number) for number in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]
    if any(number < 0 for number in numbers):
        raise DiffusionError(
            f"{min(numbers)} is no noise level.", "Write levels from high to low, such as 14.6, 3, 0."
        )
    return tuple(float32(number) for number in numbers)


def float32(number: float) -> float:
    """The nearest float32 number."""
    return float(torch.tensor(number, dtype=torch.float32))
