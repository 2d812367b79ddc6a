"""From a network's output to a clean latent: what it was trained to predict, and at which levels of noise.

Scalar arithmetic is done in float32 on CPU tensors, in the order the formulas are written, because the last
bit of a noise level decides what a Brownian noise source answers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

ENDLESS = 999999999.9
"""The noise level of 'before the start': higher than any."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseRange:
    """The noise levels a discrete-time model was trained on, ascending, one for each time step."""

    sigmas: tuple[float, ...]
    table: Tensor
    """The levels as a float32 tensor."""
    log_table: Tensor
    """Their logarithms, taken in float64 and rounded to float32."""
    is_flow: bool = False

    @property
    def sigma_min(self) -> float:
        """The lowest level of the table."""
        return self.sigmas[0]

    @property
    def sigma_max(self) -> float:
        """The highest level of the table."""
        return self.sigmas[-1]

    def timestep(self, sigma: float) -> float:
        """The time step whose level is nearest in the logarithm: always a whole number."""
        distance = torch.tensor(sigma, dtype=torch.float32).log() - self.log_table
        return float(distance.abs().argmin())

    def sigma(self, timestep: float) -> float:
        """The level at a time step, interpolated in the logarithm between whole steps."""
        time = torch.clamp(torch.tensor(timestep, dtype=torch.float32), 0, len(self.sigmas) - 1)
        low, high, part = time.floor().long(), time.ceil().long(), time.frac()
        return float(((1 - part) * self.log_table[low] + part * self.log_table[high]).exp())

    def percent_to_sigma(self, percent: float) -> float:
        """The level at which that part of the sampling (0 to 1) is over."""
        if percent <= 0:
            return ENDLESS
        if percent >= 1:
            return 0.0
        return self.sigma((1.0 - percent) * (len(self.sigmas) - 1))


def noise_range(levels: Tensor) -> NoiseRange:
    """The range of an ascending table of levels, given in float64."""
    table = levels.float()
    return NoiseRange(tuple(table.tolist()), table, levels.log().float())


def linear_betas(start: float = 0.00085, end: float = 0.012, steps: int = 1000) -> NoiseRange:
    """The table of betas whose square roots are evenly spaced, as Stable Diffusion was trained with."""
    betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    return levels_of(torch.cumprod(1 - betas, 0))


def zero_terminal_snr(noise: NoiseRange) -> NoiseRange:
    """The same range stretched to end in pure noise (Lin et al. 2023, arXiv:2305.08891, algorithm 1).

    The last level is the nearest to infinity that arithmetic bears.
    """
    kept = (1 / (noise.table.double() ** 2 + 1)).sqrt()
    stretched = (kept - kept[-1]) * kept[0] / (kept[0] - kept[-1])
    squared = stretched**2
    squared[-1] = 4.8973451890853435e-08  # in place: made one line above
    return levels_of(squared)


def levels_of(kept: Tensor) -> NoiseRange:
    """The range for the part of the signal's variance kept at each time step (ᾱ), float64."""
    return noise_range(((1 - kept) / kept).sqrt())


@dataclass(frozen=True, slots=True)
class Prediction:
    """How a network is fed and its output read.

    scale_input(x, sigma): what the network is given.
    denoised(x, output, sigma): the clean latent that its float32 output means.
    noised(noise, latent, sigma, is_max): the state sampling starts from.
    final(x, sigma): the latent a state stands for when sampling stops at that level.
    """

    name: str
    scale_input: Callable[[Tensor, float], Tensor]
    denoised: Callable[[Tensor, Tensor, float], Tensor]
    noised: Callable[[Tensor, Tensor, float, bool], Tensor]
    final: Callable[[Tensor, float], Tensor]


def level(sigma: float, like: Tensor) -> Tensor:
    """The noise level as a tensor beside `like`.

    One element, not a plain number: on a GPU a division by a plain number becomes a product with its
    rounded inverse.
    """
    return torch.full((1,), sigma, dtype=torch.float32, device=like.device)


def unit_variance(x: Tensor, sigma: float) -> Tensor:
    """Scale a state to about unit variance: x / sqrt(σ² + 1)."""
    return x / (level(sigma, x) ** 2 + 1.0) ** 0.5


def epsilon_denoised(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    """The network predicts the noise (Ho et al. 2020, arXiv:2006.11239): x - σF."""
    return x - output * level(sigma, x)


def v_denoised(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    """The network predicts the velocity (Salimans and Ho 2022, arXiv:2202.00512)."""
    s = level(sigma, x)
    return x / (s**2 + 1.0) - output * s / (s**2 + 1.0) ** 0.5


def noise_added(noise: Tensor, latent: Tensor, sigma: float, is_max: bool) -> Tensor:
    """Noise on top of a latent: σε + z, or sqrt(1 + σ²)ε + z where sampling starts from the highest level."""
    s = level(sigma, noise)
    return noise * ((1.0 + s**2.0) ** 0.5 if is_max else s) + latent


def unchanged(x: Tensor, _sigma: float) -> Tensor:
    """The state itself."""
    return x


EPSILON = Prediction("epsilon", unit_variance, epsilon_denoised, noise_added, unchanged)
VELOCITY = Prediction("v", unit_variance, v_denoised, noise_added, unchanged)
