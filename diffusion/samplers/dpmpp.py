"""DPM-Solver++: the ODE solved exactly in its linear part, in half the log signal-to-noise ratio."""

from collections.abc import Iterator
from itertools import pairwise
from math import expm1, log

from torch import Tensor

from diffusion.samplers.step import Denoise, Step
from diffusion.values import Sigmas


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """DPM-Solver++(2M), Lu et al. 2022 (arXiv:2211.01095), algorithm 2."""
    before, h_before = None, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            h = log(sigma / sigma_next)  # a step in half the log signal-to-noise ratio
            target = denoised if before is None else denoised + (denoised - before) * h / (2 * h_before)
            x = sigma_next / sigma * x - expm1(-h) * target
            before, h_before = denoised, h
        yield Step(x, denoised)
