"""Linear multistep methods: the slopes of earlier steps make the next one better, at no extra cost."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diffusion.samplers.step import Denoise, Step
from diffusion.values import Sigmas

ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)
VP_RANGE, VP_START = (0.002, 80.0), 1e-3
"""The noise levels of the variance-preserving process that DEIS integrates in, and the time of the lowest."""
POINTS = 10_000
"""How many points the field's sum over a DEIS step has; the sum is off the integral by about 1 in POINTS."""


def lms(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, order: int = 4) -> Iterator[Step]:
    """Katherine Crowson's linear multistep method for the ODE of Karras et al. 2022 (arXiv:2206.00364).

    The slopes are interpolated by a polynomial in sigma, which is integrated exactly.
    """
    slopes: tuple[Tensor, ...] = ()
    for step, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        slopes = ((x - denoised) / sigma, *slopes)[:order]
        if sigma_next == 0:
            x = denoised
        else:
            nodes = sigmas[step::-1][: len(slopes)]
            points, weights = _gauss(len(nodes) // 2 + 1)
            half = (sigma_next - sigma) / 2
            basis = _lagrange(nodes, sigma + half * (points + 1))
            x = x + _weighted((half * basis @ weights).tolist(), slopes)
        yield Step(x, denoised)


def ipndm(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Zhang & Chen 2022 (arXiv:2204.13902), iPNDM: Adams-Bashforth up to order 4, as if steps were even."""
    slopes: tuple[Tensor, ...] = ()
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        slopes = ((x - denoised) / sigma, *slopes)[:4]
        if sigma_next == 0:
            x = denoised
        else:
            x = x + _weighted(ADAMS_BASHFORTH[len(slopes) - 1], slopes) * (sigma_next - sigma)
        yield Step(x, denoised)


def ipndm_v(denoise: Denoise, x: Tensor, sigmas: Sigmas) -> Iterator[Step]:
    """Zhang & Chen 2022 (arXiv:2204.13902), iPNDM with weights for uneven steps.

    The weights are those of the field, whose terms of third and fourth order differ from the textbook's.
    """
    slopes: tuple[Tensor, ...] = ()
    for step, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        slopes = ((x - denoised) / sigma, *slopes)[:4]
        if sigma_next == 0:
            x = denoised
        else:
            around = sigmas[max(0, step - 3) : step + 2]
            lengths = [there - here for here, there in pairwise(around)][::-1]
            x = x + _weighted(_uneven_adams_bashforth(lengths), slopes) * (sigma_next - sigma)
        yield Step(x, denoised)


def deis(denoise: Denoise, x: Tensor, sigmas: Sigmas, *, order: int = 3) -> Iterator[Step]:
    """DEIS, Zhang & Chen 2022 (arXiv:2204.13902), tAB-DEIS with polynomials in the time of a VP process."""
    slopes: tuple[Tensor, ...] = ()
    for step, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        slopes = ((x - denoised) / sigma, *slopes)[:order]
        if sigma_next <= 0 or len(slopes) == 1:
            x = x + slopes[0] * (sigma_next - sigma)
        else:
            nodes = [_vp_time(each) for each in sigmas[step::-1][: len(slopes)]]
            x = x + _weighted(_deis_weights(nodes, _vp_time(sigma_next)), slopes)
        yield Step(x, denoised)


def _weighted(weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    """The weighted sum of slopes."""
    total = weights[0] * slopes[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        total = total + weight * slope
    return total


@cache
def _gauss(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points between -1 and 1, and weights, that integrate polynomials of degree 2 count - 1 exactly."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return points, weights


def _lagrange(nodes: Sequence[float], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each node's Lagrange polynomial at some points: [node, point]."""
    found = np.ones((len(nodes), len(at)))
    for row, node in zip(found, nodes, strict=True):
        for other in nodes:
            if other != node:
                row *= (at - other) / (node - other)  # in place: made above
    return found


def _uneven_adams_bashforth(lengths: Sequence[float]) -> list[float]:
    """Weights for the latest slope and those before it.

    lengths: of the coming step, the one before it, and so on; one for each slope.
    """
    if len(lengths) == 1:
        return [1.0]
    h, h1 = lengths[:2]
    weights = [1 + h / (2 * h1), -h / (2 * h1)]
    if len(lengths) == 2:
        return weights
    h2 = lengths[2]
    third = (1 - h / (3 * (h + h1)) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2
    ratio = h1 / h2
    weights = [weights[0] + third, weights[1] - (1 + ratio) * third, third * ratio]
    if len(lengths) == 3:
        return weights
    h3 = lengths[3]
    fourth = (1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))
    fourth *= h * (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2) * (h1 + h2 + h3))
    far = h1 * (h1 + h2) / (h2 * (h2 + h3))
    return [
        weights[0] + fourth,
        weights[1] - (1 + ratio + far) * fourth,
        weights[2] + (ratio + far * (1 + h2 / h3)) * fourth,
        -fourth * far * ratio,
    ]


def _vp_betas() -> tuple[float, float]:
    low, high = (log(level**2 + 1) for level in VP_RANGE)
    slope = 2 * (low / VP_START - high) / (VP_START - 1)
    return slope, high - slope / 2


BETA_SLOPE, BETA_START = _vp_betas()


def _vp_time(sigma: float) -> float:
    return (sqrt(BETA_START**2 + 2 * BETA_SLOPE * log(sigma**2 + 1)) - BETA_START) / BETA_SLOPE


def _deis_weights(nodes: Sequence[float], end: float) -> list[float]:
    """The integral of each node's polynomial over the step, as the sum over evenly spaced points has it."""
    points, weights = _gauss(24)
    start, length = nodes[0], end - nodes[0]
    times = np.array([start, end, *(start + length * (points + 1) / 2)])
    log_alpha = -(times**2) * BETA_SLOPE / 2 - times * BETA_START
    rate = (times * BETA_SLOPE + BETA_START) / 2 / np.sqrt(np.exp(log_alpha) * -np.expm1(log_alpha))
    values = rate * _lagrange(nodes, times)
    integral = values[:, 2:] @ weights * length / 2
    ends = values[:, :2].sum(1) * length / 2
    found: list[float] = (integral + (ends - integral) / POINTS).tolist()
    return found
