"""What every sampler is made of: the denoiser it calls, the step it yields, the noise it may draw."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from torch import Tensor

Denoise: TypeAlias = Callable[[Tensor, float], Tensor]
"""Noisy latent and sigma in, predicted clean latent out: float32, same shape. Guidance is already inside."""

Noise: TypeAlias = Callable[[float, float], Tensor]
"""The next unit-normal draw, for a step from one sigma to another."""


class Step(NamedTuple):
    """Where a sampler stands after one step: the noisy latent, and the clean one it was aiming at."""

    x: Tensor
    denoised: Tensor


def ancestral_split(sigma: float, sigma_next: float, eta: float = 1.0) -> tuple[float, float]:
    """How far to step down, and how much fresh noise to add, to arrive at `sigma_next`: (down, up).

    Scalars are float32 in this very order: where sigma_next is much smaller than sigma the last subtraction
    cancels, and the rounded value decides the picture.
    """
    here, there = np.float32(sigma), np.float32(sigma_next)
    variance = there * there * (here * here - there * there) / (here * here)
    up = min(there, np.float32(eta) * np.sqrt(variance))
    return float(np.sqrt(there * there - up * up)), float(up)


def flow_ancestral_split(sigma: float, sigma_next: float, eta: float = 1.0) -> tuple[float, float, float]:
    """The split for rectified flow, where the latent shrinks as noise is added: (down, scale, renoise)."""
    here, there, one = np.float32(sigma), np.float32(sigma_next), np.float32(1)
    down = there * (one + (there / here - one) * np.float32(eta))
    scale = (one - there) / (one - down)
    renoise = np.sqrt(there * there - down * down * scale * scale)
    return float(down), float(scale), float(renoise)
