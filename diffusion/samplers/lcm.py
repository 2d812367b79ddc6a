"""Consistency sampling: believe each prediction, then noise it again; also on a picture that grows."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.resize import resized
from diffusion.samplers.step import Denoise, Noise, SizedNoise, Step
from diffusion.values import Sigmas


def lcm(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, flow: bool = False) -> Iterator[Step]:
    """Luo et al. 2023 (arXiv:2310.04378), algorithm 3; for models that predict the end in one step."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = x = denoise(x, sigma)
        if sigma_next > 0:
            x = (1 - sigma_next) * x if flow else x
            x = x + noise(sigma, sigma_next) * sigma_next
        yield Step(x, denoised)


def lcm_upscale(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sigmas,
    *,
    noise: SizedNoise,
    flow: bool = False,
    ratio: float = 1.0,
    growing: int | None = None,
    method: str = "bislerp",
) -> Iterator[Step]:
    """Luo et al. 2023 (arXiv:2310.04378), algorithm 3, where each prediction is made larger before the noise.

    ratio: how many times as long the sides are in the end. growing: over how many of the first steps they
    grow, each time by as much; None is half of them.
    """
    height, width = x.shape[-2:]
    steps = len(sigmas) - 1
    growing = (steps + 1) // 2 if growing is None else min(growing, steps)
    for step, sigma_next in enumerate(sigmas[1:]):
        x = denoise(x, sigmas[step])
        if step < growing:
            scale = 1 + (ratio - 1) * (step + 1) / growing
            x = resized(x, max(1, round(width * scale)), max(1, round(height * scale)), method)
        denoised = x
        if sigma_next > 0:
            x = (1 - sigma_next) * x if flow else x
            x = x + noise(x) * sigma_next
        yield Step(x, denoised)
