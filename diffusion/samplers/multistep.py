"""Linear multistep methods: the slopes of earlier steps make the next one better, at no extra cost."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.samplers.step import Denoise, Step
from diffusion.values import Sigmas

ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def ipndm(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Zhang & Chen 2022 (arXiv:2204.13902), iPNDM: Adams-Bashforth up to order 4, as if steps were even."""
    slopes: tuple[Tensor, ...] = ()
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        slopes = ((x - denoised) / sigma, *slopes)[:4]
        if sigma_next == 0:
            x = denoised
        else:
            weights = ADAMS_BASHFORTH[len(slopes) - 1]
            slope = sum((w * s for w, s in zip(weights[1:], slopes[1:], strict=True)), weights[0] * slopes[0])
            x = x + slope * (sigma_next - sigma)
        yield Step(x, denoised)
