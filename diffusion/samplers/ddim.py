"""DDIM, in the noise levels of the other samplers."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from diffusion.samplers.step import Denoise, Step
from diffusion.values import Sigmas


def ddim(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Song et al. 2020 (arXiv:2010.02502), equation 12 with eta 0.

    In sigmas this is Euler's method. Under a noise mask it differs: the kept part gets its own noise.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        predicted_noise = (x - denoised) / sigma
        x = denoised + sigma_next * predicted_noise
        yield Step(x, denoised)
