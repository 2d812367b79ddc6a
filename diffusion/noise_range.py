"""The noise levels a model knows, and what its network is told as time: one function for each kind of table.

Arithmetic is done in float32 on CPU tensors, in the order the formulas are written, because the last bit of a
noise level decides what a Brownian noise source answers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

ENDLESS = 999999999.9
"""The noise level of 'before the start': higher than any."""
OFFSET = 0.008
"""How far the cosine schedule is from its pole (Nichol and Dhariwal 2021, arXiv:2102.09672)."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseRange:
    """The noise levels a model was trained on, ascending, and how they are tied to time.

    table: the levels as a float32 tensor. timestep(sigma): what the network is told. sigma(timestep): the
    level at a time. inner(part): the level at which that part of the sampling, between 0 and 1, is over.
    start: the level before any part of it is.
    """

    sigmas: tuple[float, ...]
    table: Tensor
    timestep: Callable[[float], float]
    sigma: Callable[[float], float]
    inner: Callable[[float], float]
    start: float = ENDLESS
    is_flow: bool = False

    @property
    def sigma_min(self) -> float:
        """The lowest level of the table."""
        return self.sigmas[0]

    @property
    def sigma_max(self) -> float:
        """The highest level of the table."""
        return self.sigmas[-1]

    def percent_to_sigma(self, percent: float) -> float:
        """The level at which that part of the sampling (0 to 1) is over."""
        if percent <= 0:
            return self.start
        return 0.0 if percent >= 1 else self.inner(percent)


def f32(number: float) -> Tensor:
    """A number as a float32 tensor."""
    return torch.tensor(number, dtype=torch.float32)


def linear_betas(
    start: float = 0.00085, end: float = 0.012, steps: int = 1000, zero_terminal: bool = False
) -> NoiseRange:
    """The table of betas whose square roots are evenly spaced, as Stable Diffusion was trained with.

    zero_terminal: stretched to end in pure noise.
    """
    betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    kept = torch.cumprod(1 - betas, 0)
    return levels_of(to_zero_snr(kept) if zero_terminal else kept)


def to_zero_snr(kept: Tensor) -> Tensor:
    """The part of the variance kept (ᾱ), stretched to end at 0 (Lin et al. 2023, arXiv:2305.08891, alg. 1).

    The last number is the nearest to 0 that arithmetic bears.
    """
    signal = kept.sqrt()
    stretched = ((signal - signal[-1]) * signal[0] / (signal[0] - signal[-1])) ** 2
    stretched[-1] = 4.8973451890853435e-08  # in place: made one line above
    return stretched


def levels_of(kept: Tensor) -> NoiseRange:
    """The range for the part of the signal's variance kept at each time step (ᾱ), float64."""
    levels = ((1 - kept) / kept).sqrt()
    return discrete(levels.float(), levels.log().float())


def distilled(noise: NoiseRange, every: int = 20) -> NoiseRange:
    """Every 20th level of a discrete range, counted down from its last: what an LCM was distilled on."""
    table = noise.table[every - 1 :: every]
    return discrete(table, table.log(), every)


def discrete(table: Tensor, log_table: Tensor, every: int = 1) -> NoiseRange:
    """A range of single time steps, `every` apart: the network is told the nearest one in the logarithm."""
    last = len(table) - 1

    @lru_cache(maxsize=1000)  # a run asks for each of its levels several times, and so does the next one
    def timestep(sigma: float) -> float:
        return float((f32(sigma).log() - log_table).abs().argmin() * every + every - 1)

    def sigma(timestep: float) -> float:
        time = torch.clamp((f32(timestep) - (every - 1)) / every, 0, last)
        low, high, part = time.floor().long(), time.ceil().long(), time.frac()
        return float(((1 - part) * log_table[low] + part * log_table[high]).exp())

    def inner(percent: float) -> float:
        return sigma((1.0 - percent) * (len(table) * every - 1))

    return NoiseRange(tuple(table.tolist()), table, timestep, sigma, inner)


def continuous_edm(sigma_min: float = 0.002, sigma_max: float = 120.0) -> NoiseRange:
    """Levels evenly spaced in the logarithm; time is ln(σ)/4 (Karras et al. 2022, arXiv:2206.00364)."""
    return log_uniform(
        sigma_min,
        sigma_max,
        lambda sigma: float(0.25 * f32(sigma).log()),
        lambda timestep: float((f32(timestep) / 0.25).exp()),
    )


def continuous_v(sigma_min: float = 0.03, sigma_max: float = 500.0) -> NoiseRange:
    """Levels evenly spaced in the logarithm; time is the angle between signal and noise, 0 to 1."""
    return log_uniform(
        sigma_min,
        sigma_max,
        lambda sigma: float(f32(sigma).atan() / math.pi * 2),
        lambda timestep: float((f32(timestep) * math.pi / 2).tan()),
    )


def cosmos_flow(sigma_min: float = 0.002, sigma_max: float = 80.0) -> NoiseRange:
    """Levels evenly spaced in the logarithm; time is the part of noise in the state."""
    return log_uniform(
        sigma_min,
        sigma_max,
        lambda sigma: float(f32(sigma) / (f32(sigma) + 1)),
        lambda timestep: float(f32(timestep) / (1 - f32(timestep))),
    )


def log_uniform(
    sigma_min: float, sigma_max: float, timestep: Callable[[float], float], sigma: Callable[[float], float]
) -> NoiseRange:
    """A range of a thousand levels, evenly spaced in the logarithm."""
    low, high = math.log(sigma_min), math.log(sigma_max)
    table = torch.linspace(low, high, 1000).exp()

    def inner(percent: float) -> float:
        return float(f32(math.exp((high - low) * (1.0 - percent) + low)))

    return NoiseRange(tuple(table.tolist()), table, timestep, sigma, inner)


def flow(shift: float = 1.0, multiplier: float = 1000.0) -> NoiseRange:
    """Rectified flow, its times shifted towards noise (Esser et al. 2024, arXiv:2403.03206, equation 23).

    The network is told σ times `multiplier`. As the field does, a time that is shifted already is shifted
    again on its way back to a level.
    """

    def shifted(time: Tensor) -> Tensor:
        return time if shift == 1.0 else shift * time / (1 + (shift - 1) * time)

    table = shifted((torch.arange(1, 1001) / 1000) * multiplier / multiplier)
    return NoiseRange(
        tuple(table.tolist()),
        table,
        lambda sigma: float(f32(sigma) * multiplier),
        lambda timestep: float(shifted(f32(timestep) / multiplier)),
        lambda percent: float(f32(shifted(torch.tensor(1.0 - percent, dtype=torch.float64)).item())),
        start=1.0,
        is_flow=True,
    )


def flux_flow(mu: float = 1.15) -> NoiseRange:
    """Rectified flow as Flux shifts it: by e^μ, with μ growing with the picture."""
    weight = math.exp(mu)

    def shifted(time: Tensor) -> Tensor:
        return weight / (weight + (1 / time - 1))

    table = shifted(torch.arange(1, 10001) / 10000)
    return NoiseRange(
        tuple(table.tolist()),
        table,
        lambda sigma: sigma,
        lambda timestep: float(shifted(f32(timestep))),
        lambda percent: float(f32(shifted(torch.tensor(1.0 - percent, dtype=torch.float64)).item())),
        start=1.0,
        is_flow=True,
    )


def cascade(shift: float = 1.0) -> NoiseRange:
    """The cosine schedule of Stable Cascade, shifted for the size of its latents (Hoogeboom et al. 2023,
    arXiv:2301.11093)."""
    pole = math.cos(OFFSET / (1 + OFFSET) * math.pi / 2) ** 2

    def level(time: Tensor) -> Tensor:
        kept = ((time + OFFSET) / (1 + OFFSET) * math.pi / 2).cos() ** 2 / pole
        if shift != 1.0:
            kept = ((kept / (1 - kept)).log() + 2 * math.log(1 / shift)).sigmoid()
        kept = kept.clamp(0.0001, 0.9999)
        return ((1 - kept) / kept).sqrt()

    def timestep(sigma: float) -> float:
        kept = (1 / (f32(sigma) ** 2 + 1)).clamp(0, 1)
        return float((kept * pole).sqrt().acos() / (math.pi / 2) * (1 + OFFSET) - OFFSET)

    table = level(torch.arange(1, 10001) / 10000)
    return NoiseRange(
        tuple(table.tolist()),
        table,
        timestep,
        lambda time: float(level(f32(time))),
        lambda percent: float(level(f32(1.0 - percent))),
    )
