"""Seeded noise: what a run starts from, and what samplers draw on the way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import sqrt
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from diffusion.ahead import sent
from diffusion.brownian import brownian_path
from diffusion.samplers.step import Noise, SizedNoise
from diffusion.values import Latent, Sigmas

SEEDS = 2**64


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RunNoise:
    """The noise a run starts from, and the seed of what it draws later. `silent`: it starts without any."""

    seed: int = 0
    silent: bool = False
    socket: ClassVar[str] = "NOISE"

    def drawn(self, latent: Latent) -> Tensor:
        """The noise for a latent, of its shape, on the CPU."""
        return no_noise(latent) if self.silent else initial_noise(latent, self.seed)


def initial_noise(latent: Latent, seed: int) -> Tensor:
    """Unit-normal noise of the latent's shape, always drawn on the CPU, in one call over the whole batch.

    So an image of a batch is not the same as a batch of one with the next seed. A latent with a `batch_index`
    gets the noise its images would have had in the batch they come from.
    """
    generator = torch.Generator().manual_seed(seed % SEEDS)
    samples = latent.samples
    if not latent.batch_index:
        return torch.randn(samples.shape, generator=generator, dtype=samples.dtype)
    one = (1, *samples.shape[1:])
    drawn = [
        torch.randn(one, generator=generator, dtype=samples.dtype) for _ in range(max(latent.batch_index) + 1)
    ]
    return torch.cat([drawn[index] for index in latent.batch_index])


def no_noise(latent: Latent) -> Tensor:
    """For a run that goes on from a latent that is noisy already."""
    return torch.zeros_like(latent.samples)


def step_noise(x: Tensor, seed: int) -> Noise:
    """A private stream for a sampler's own draws, on the device of `x`.

    On the CPU it is seeded one higher, or it would repeat the initial noise.
    """
    draw_like, like = sized_noise(x, seed), x.new_empty(1).expand(x.shape)  # a shape, without its memory

    def draw(sigma: float, sigma_next: float) -> Tensor:
        del sigma, sigma_next  # this source is white: only the order of the draws counts
        return draw_like(like)

    return draw


def sized_noise(x: Tensor, seed: int) -> SizedNoise:
    """The stream of `step_noise`, for latents of any size."""
    generator = torch.Generator(x.device).manual_seed((seed + (x.device.type == "cpu")) % SEEDS)

    def draw(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)

    return draw


def brownian_noise(x: Tensor, seed: int, sigmas: Sigmas, device: torch.device) -> Noise:
    """Increments of one Brownian path over the levels of a run, each scaled to unit variance.

    The same path whatever steps are taken, so more steps change a picture less than with white noise. It is
    float32, lives on `device` and goes from the lowest sigma above 0 to the highest.
    """
    low, high = min(sigma for sigma in sigmas if sigma > 0), max(sigmas)

    @cache
    def path() -> Callable[[float], Tensor]:
        return brownian_path(low, high, seed % SEEDS, tuple(x.shape), device)

    @lru_cache(maxsize=3)  # a step starts where the one before ended
    def above(sigma: float) -> Tensor:
        return path()(sigma)

    def draw(sigma: float, sigma_next: float) -> Tensor:
        length = abs(np.float32(sigma) - np.float32(sigma_next))
        return sent((above(sigma) - above(sigma_next)) / sqrt(length), x.device, x.dtype)

    return draw


def mask_noise(x: Tensor, seed: int) -> Tensor:
    """Fresh noise for what a mask keeps, for samplers that do not reuse the run's own: one seed higher."""
    generator = torch.Generator().manual_seed((seed + 1) % SEEDS)
    return torch.randn(x.shape, generator=generator, dtype=x.dtype)


def batch_of(latent: Latent, first: int, length: int) -> Latent:
    """Some images of a batch, remembering which they were so that they keep their noise."""
    samples = latent.samples
    first = min(first, len(samples) - 1)
    picked = slice(first, min(first + length, len(samples)))
    indices = latent.batch_index or tuple(range(len(samples)))
    mask = latent.noise_mask
    if mask is not None and len(mask) > 1:
        mask = tiled(mask, len(samples))[picked]
    return replace(latent, samples=samples[picked], noise_mask=mask, batch_index=indices[picked])


def repeated(latent: Latent, times: int) -> Latent:
    """The batch, several times over; each copy gets noise of its own.

    A batch that is part of another goes on with the numbers of that one.
    """
    samples, indices = latent.samples, latent.batch_index or ()
    offset = max(indices, default=0) - min(indices, default=0) + 1
    mask = latent.noise_mask
    if mask is not None and len(mask) > 1:
        mask = torch.cat([tiled(mask, len(samples))] * times)
    return replace(
        latent,
        samples=torch.cat([samples] * times),
        noise_mask=mask,
        batch_index=tuple(index + copy * offset for copy in range(times) for index in indices) or None,
    )


def tiled(values: Tensor, length: int) -> Tensor:
    """A batch trimmed, or repeated and trimmed, to a length."""
    if len(values) == length:
        return values
    times = -(-length // len(values))
    return values.repeat(times, *[1] * (values.ndim - 1))[:length]
