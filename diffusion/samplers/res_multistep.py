"""The refined exponential solver with two predictions, its ancestral form, and both with CFG++."""

from collections.abc import Iterator
from itertools import pairwise
from math import exp, expm1, log

from torch import Tensor

from diffusion.samplers.step import Denoise, Guided, GuidedDenoise, Noise, Step, ancestral_split
from diffusion.values import Sigmas


def res_multistep(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """RES, Zhang et al. 2023 (arXiv:2308.02157), the multistep form of second order."""
    return _steps(_without_guidance(denoise), x, sigmas, None, 0.0, 0.0)


def res_multistep_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Iterator[Step]:
    """`res_multistep` (arXiv:2308.02157) that steps down too far and adds fresh noise."""
    return _steps(_without_guidance(denoise), x, sigmas, noise, eta, s_noise)


def res_multistep_cfg_pp(denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """`res_multistep` (arXiv:2308.02157) on the manifold of CFG++, Chung et al. 2024 (arXiv:2406.08070)."""
    return _steps(denoise, x, sigmas, None, 0.0, 0.0)


def res_multistep_ancestral_cfg_pp(
    denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas, *, noise: Noise, eta: float = 1.0, s_noise: float = 1.0
) -> Iterator[Step]:
    """`res_multistep_ancestral` (arXiv:2308.02157) with CFG++, Chung et al. 2024 (arXiv:2406.08070)."""
    return _steps(denoise, x, sigmas, noise, eta, s_noise)


def _without_guidance(denoise: Denoise) -> GuidedDenoise:
    """A denoiser for which CFG++ changes nothing: guided and unguided are one."""

    def both(x: Tensor, sigma: float) -> Guided:
        denoised = denoise(x, sigma)
        return Guided(denoised, denoised)

    return both


def _steps(
    denoise: GuidedDenoise, x: Tensor, sigmas: Sigmas, noise: Noise | None, eta: float, s_noise: float
) -> Iterator[Step]:
    before, sigma_before, down_before = None, 0.0, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised, unguided = denoise(x, sigma)
        down, up = ancestral_split(sigma, sigma_next, eta)
        if before is None or down == 0:
            x = denoised + down / sigma * (x - unguided)
        else:
            h, c2 = log(sigma / down), log(down_before / sigma_before)
            weight, weight_before = _weights(h, c2 / h)
            x = exp(-h) * (x + denoised - unguided) + h * (weight * unguided + weight_before * before)
        if noise is not None and sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (s_noise * up)
        before, sigma_before, down_before = unguided, sigma, down
        yield Step(x, denoised)


def _weights(h: float, c2: float) -> tuple[float, float]:
    """Weights of this prediction and the one before, for a step of -h in log sigma."""
    phi_1 = expm1(-h) / -h
    phi_2 = (phi_1 - 1) / -h
    before = phi_2 / c2 if c2 else 0.0
    return phi_1 - before, before
