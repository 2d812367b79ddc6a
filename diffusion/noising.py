"""How a picture drowns in noise: the forward process of diffusion models, made visible.

A time runs from 0, the clean picture, to 1, pure noise. A corruption answers how much of the picture and how
much noise there is at that time: x = signal * picture + noise * static.
"""

from collections.abc import Callable, Mapping, Sequence
from math import cos, hypot, pi, sqrt

import torch
from torch import Tensor

from diffusion.noise_range import NoiseRange, levels_of, linear_betas
from diffusion.values import Image

Corruption = Callable[[float], tuple[float, float]]
"""From a time, 0 to 1, to the shares of picture and noise."""


def linear(time: float) -> tuple[float, float]:
    """Ho et al. 2020 (arXiv:2006.11239), section 4: the variance added per step grows linearly."""
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    return _shares(levels_of(torch.cumprod(1 - betas, 0)), time)


def scaled_linear(time: float) -> tuple[float, float]:
    """Rombach et al. 2022 (arXiv:2112.10752): its root grows linearly; a trace of the picture is left."""
    return _shares(linear_betas(), time)


def cosine(time: float) -> tuple[float, float]:
    """Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17: the signal falls like a squared cosine."""
    start, end = (cos((each + 0.008) / 1.008 * pi / 2) ** 2 for each in (0.0, time))
    return sqrt(end / start), sqrt(1 - end / start)


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


def _shares(noise: NoiseRange, time: float) -> tuple[float, float]:
    """The shares at a time of a model's training, scaled so that their squares add up to 1."""
    sigma = noise.sigma(time * len(noise.sigmas) - 1) if time > 0 else 0.0
    return 1 / hypot(1, sigma), sigma / hypot(1, sigma)
