"""Gradient estimation: each slope is corrected by how it changed since the step before."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.samplers.step import Denoise, GuidedDenoise, Step
from diffusion.values import Sigmas


def gradient_estimation(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, gamma: float = 2.0) -> Iterator[Step]:
    """Permenter & Yuan 2023 (arXiv:2306.04848), algorithm 2."""
    before = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        slope = (x - denoised) / sigma
        if sigma_next == 0:
            x = denoised
        else:
            x = x + slope * (sigma_next - sigma)
            if before is not None:
                x = x + (slope - before) * ((gamma - 1) * (sigma_next - sigma))
        before = slope
        yield Step(x, denoised)


def gradient_estimation_cfg_pp(
    denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas, *, gamma: float = 2.0
) -> Iterator[Step]:
    """`gradient_estimation` (arXiv:2306.04848) with CFG++, Chung et al. 2024 (arXiv:2406.08070)."""
    before = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised, unguided = denoise(x, sigma)
        slope = (x - unguided) / sigma
        if sigma_next == 0:
            x = denoised
        else:
            x = denoised + slope * sigma_next
            if before is not None:
                x = x + (slope - before) * ((gamma - 1) * (sigma_next - sigma))
        before = slope
        yield Step(x, denoised)
