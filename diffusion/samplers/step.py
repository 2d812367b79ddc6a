"""What every sampler is made of: the denoiser it calls, the step it yields, the noise it may draw.

Scalars that decide a picture by their last bit are float32, computed in the order of the formula.
"""

from collections.abc import Callable
from math import isinf
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

Denoise: TypeAlias = Callable[[Tensor, float], Tensor]
"""Noisy latent and sigma in, predicted clean latent out: float32, same shape. Guidance is already inside."""


class Guided(NamedTuple):
    """A guided prediction of the clean latent, and what the negative prompt alone predicts."""

    denoised: Tensor
    unguided: Tensor


GuidedDenoise: TypeAlias = Callable[[Tensor, float], Guided]
"""As `Denoise`, for samplers that tell guided and unguided apart (CFG++)."""

Noise: TypeAlias = Callable[[float, float], Tensor]
"""The next unit-normal draw, for a step from one sigma to another."""

SizedNoise: TypeAlias = Callable[[Tensor], Tensor]
"""The next unit-normal draw of a tensor's shape, for samplers that change the size of the latent."""


class Step(NamedTuple):
    """Where a sampler stands after one step: the noisy latent, and the clean one it was aiming at.

    done: the part of the way it has gone, 0 to 1, from samplers whose steps are not those of the schedule.
    """

    x: Tensor
    denoised: Tensor
    done: float | None = None


def half_log_snr(sigma: float, flow: bool = False) -> float:
    """Half the logarithm of the signal-to-noise ratio, λ: -ln σ, or ln((1 - σ) / σ) for a flow model."""
    level = torch.tensor(sigma, dtype=torch.float32)
    return float(-level.logit() if flow else -level.log())


def level_at(half_log_snr: float, flow: bool = False) -> float:
    """The sigma of a λ."""
    negative = -torch.tensor(half_log_snr, dtype=torch.float32)
    return float(negative.sigmoid() if flow else negative.exp())


def partway(start: float, end: float, share: float) -> float:
    """The λ a share of the way from one to another."""
    return float(np.float32(start) + np.float32(share) * (np.float32(end) - np.float32(start)))


def signal(sigma: float, flow: bool = False) -> float:
    """How much of the clean latent is in the noisy one, α: all of it, or 1 - σ for a flow model."""
    return 1 - sigma if flow else 1.0


def ancestral_split(sigma: float, sigma_next: float, eta: float = 1.0) -> tuple[float, float]:
    """How far to step down, and how much fresh noise to add, to arrive at `sigma_next`: (down, up).

    Scalars are float32 in this very order: where sigma_next is much smaller than sigma the last subtraction
    cancels, and the rounded value decides the picture.
    """
    if eta == 0:
        return sigma_next, 0.0
    if isinf(sigma):
        return 0.0, sigma_next
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
