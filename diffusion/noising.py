"""How a picture drowns in noise: the forward process of diffusion models, made visible.

A time runs from 0, the clean picture, to 1, pure noise. A corruption answers how much of the picture and how
much noise there is at that time: x = signal * picture + noise * static.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import cos, pi, sqrt

import torch
from torch import Tensor

from diffusion.values import Image

Corruption = Callable[[float], tuple[float, float]]
"""From a time, 0 to 1, to the shares of picture and noise."""


@cache
def linear_betas() -> tuple[float, ...]:
    """The part of the signal's variance that is kept at steps 0 to 1000, of betas 0.0001 to 0.02."""
    return _kept(torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64))


@cache
def scaled_betas() -> tuple[float, ...]:
    """The same for betas whose square roots are evenly spaced, as Stable Diffusion was trained with."""
    return _kept(torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2)


def linear(time: float) -> tuple[float, float]:
    """Ho et al. 2020 (arXiv:2006.11239), section 4: the variance added per step grows linearly."""
    return _shares(_between(linear_betas(), time))


def scaled_linear(time: float) -> tuple[float, float]:
    """Rombach et al. 2022 (arXiv:2112.10752): its root grows linearly; a trace of the picture is left."""
    return _shares(_between(scaled_betas(), time))


def cosine(time: float) -> tuple[float, float]:
    """Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17: the signal falls like a squared cosine."""
    start, end = (cos((each + 0.008) / 1.008 * pi / 2) ** 2 for each in (0.0, time))
    return _shares(end / start)


def flow(time: float) -> tuple[float, float]:
    """Lipman et al. 2023 (arXiv:2210.02747): a straight line from the picture to the noise."""
    return 1 - time, time


CORRUPTIONS: Mapping[str, Corruption] = {
    "scaled_linear": scaled_linear,
    "linear": linear,
    "cosine": cosine,
    "flow": flow,
}


def corrupted(image: Tensor, times: Sequence[float], corruption: Corruption, seed: int) -> Image:
    """The first picture of a batch at each of these times, always under the same noise.

    image: [batch, height, width, channel], 0 to 1. The mixing is done on -1 to 1, as the networks see
    pictures, and cut off at black and white.
    """
    picture = image[0].float() * 2 - 1
    static = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed))
    mixed = [signal * picture + noise * static for signal, noise in map(corruption, times)]
    return Image(((torch.stack(mixed) + 1) / 2).clamp(0, 1))


def _kept(betas: Tensor) -> tuple[float, ...]:
    return (1.0, *torch.cumprod(1 - betas, 0).tolist())


def _between(table: Sequence[float], time: float) -> float:
    """The table's value at a time, on straight lines between its entries."""
    place = time * (len(table) - 1)
    low = min(int(place), len(table) - 2)
    return table[low] + (table[low + 1] - table[low]) * (place - low)


def _shares(kept: float) -> tuple[float, float]:
    return sqrt(kept), sqrt(1 - kept)
