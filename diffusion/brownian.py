"""A Brownian path that depends on a seed alone, not on where and in which order it is asked.

The tree is that of torchsde (Li et al. 2020, arXiv:2001.01328, section 4), which the field's samplers draw
from: the same seed gives the same path to rounding. It resolves levels to a millionth. This one walks from
the top to one level and remembers the way, which takes less than half the time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DIGITS = 6
POOL = 24
"""How many words of entropy a seed is spread over."""


class Halves(NamedTuple):
    """Where an interval is split, and what the path gains in each half."""

    middle: float
    lower: Tensor
    upper: Tensor


@dataclass(frozen=True, slots=True)
class Source:
    """Where normal draws of one shape come from, each by a seed of its own.

    words: the run's seed in words of 32 bits, filled up with 0 to the pool.
    """

    seed: int
    words: tuple[int, ...]
    shape: tuple[int, ...]
    generator: torch.Generator

    def root(self) -> Tensor:
        """The draw for the whole path."""
        return self.normal(np.random.SeedSequence(self.seed, pool_size=POOL))

    def node(self, index: int, depth: int) -> Tensor:
        """The draw for an interval: which of its depth, counted from 0."""
        entropy = np.array((*self.words, *words(index), depth), np.uint32)
        return self.normal(np.random.SeedSequence(entropy, pool_size=POOL))

    def normal(self, sequence: np.random.SeedSequence) -> Tensor:
        """A draw by the first number of a sequence."""
        generator = self.generator.manual_seed(int(sequence.generate_state(1)[0]))
        return torch.randn(self.shape, generator=generator, device=generator.device)


def brownian_path(
    low: float, high: float, seed: int, shape: tuple[int, ...], device: torch.device
) -> Callable[[float], Tensor]:
    """What a path gains from a level up to the highest: float32 of a shape, on a device.

    A level beyond the ends counts as the end.
    """
    filled = (*words(seed), *[0] * POOL)[:POOL]
    source = Source(seed, filled, shape, torch.Generator(device))
    whole = source.root() * sqrt(high - low)
    ends = round(low, DIGITS), round(high, DIGITS)
    way: dict[tuple[int, int], Halves] = {}

    def above(level: float) -> Tensor:
        nonlocal way
        level = min(max(round(level, DIGITS), ends[0]), ends[1])
        (start, end), gain, index, depth = ends, whole, 0, 0
        total, taken = torch.zeros_like(whole), {}
        while level not in (start, end):
            halves = way.get((index, depth)) or _split(start, end, gain, source.node(index, depth))
            taken[index, depth] = halves
            if level >= halves.middle:
                start, gain, index = halves.middle, halves.upper, 2 * index + 1
            else:
                end, gain, index = halves.middle, halves.lower, 2 * index
                total = total + halves.upper
            depth += 1
        way = taken
        return total + gain if level == start else total

    return above


def _split(start: float, end: float, gain: Tensor, normal: Tensor) -> Halves:
    """A Brownian bridge: what is gained up to the middle, given what is gained in all."""
    middle = round(0.5 * (start + end), DIGITS)
    lower_length, upper_length, whole = middle - start, end - middle, 1 / (end - start)
    spread = sqrt(lower_length * upper_length * whole)
    lower = torch.add(gain * (lower_length * whole), normal, alpha=spread)
    return Halves(middle, lower, gain - lower)


def words(number: int) -> Iterator[int]:
    """A number in words of 32 bits, the lowest first; 0 is one word."""
    yield number & 0xFFFFFFFF
    while number := number >> 32:
        yield number & 0xFFFFFFFF
