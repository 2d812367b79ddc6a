"""A Brownian path that depends on a seed alone, not on where and in which order it is asked.

The tree is that of torchsde (Li et al. 2020, arXiv:2001.01328, section 4), which the field's samplers draw
from: the same seed gives the same path to rounding. It resolves levels to a millionth. What is gained
above a level is a sum of the draws on the way there, so this one walks in plain numbers and adds up once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import torch
from numpy.random import SeedSequence
from torch import Tensor

DIGITS = 6
POOL = 24
"""How many words of entropy a seed is spread over."""
WORD = 0xFFFFFFFF
HASH, HASH_STEP = 0x43B0D7E5, 0x931E8875
OUT, OUT_STEP = 0x8B51F9DD, 0x58F38DED
KEPT, MIXED = 0xCA01F9DD, 0x4973F715
"""The numbers of numpy's SeedSequence (O'Neill 2015, "Developing a seed_seq alternative")."""
HASHES = tuple(
    (HASH * pow(HASH_STEP, count, WORD + 1) & WORD, HASH * pow(HASH_STEP, count + 1, WORD + 1) & WORD)
    for count in range(POOL**2, POOL**2 + 4 * POOL, POOL)
)
"""The number of its hash before and after each word beyond the pool enters the pool's first word."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where normal draws come from, each by a seed of its own: the run's and some words more.

    first: the first word of the pool that numpy's SeedSequence spreads the run's seed over.
    """

    first: int
    generator: torch.Generator

    def fill(self, out: Tensor, *more: int) -> None:
        """A draw, into a tensor."""
        out.normal_(generator=self.generator.manual_seed(number(self.first, *more)))


class Split(NamedTuple):
    """An interval that is split on the way to a level.

    place: which of its depth, counted from 0. lower: the share of the lower half in its length. scatter: how
    far what is gained there lies around that share of the whole. is_lower: whether the way goes on there.
    """

    place: int
    lower: float
    scatter: float
    is_lower: bool


def brownian_path(
    low: float, high: float, seed: int, shape: tuple[int, ...], device: torch.device
) -> Callable[[float], Tensor]:
    """What a path gains from a level up to the highest: float32 of a shape, on a device.

    A level beyond the ends counts as the end.
    """
    source = Source(int(SeedSequence(seed, pool_size=POOL).pool[0]), torch.Generator(device))
    start, end = round(low, DIGITS), round(high, DIGITS)
    deepest = round((end - start) * 10**DIGITS).bit_length() + 1
    draws = torch.empty(1 + deepest, *shape, device=device)  # on the way last walked
    whole, *rows = draws.unbind()
    known = [-1] * deepest
    source.fill(whole)

    def above(level: float) -> Tensor:
        level = round(level, DIGITS)
        if level >= end:
            return torch.zeros_like(whole)
        way = list(splits(level, start, end))
        for depth, (place, *_) in enumerate(way):
            if known[depth] != place:
                source.fill(rows[depth], *words(place), depth)
                known[depth] = place
        first, *others = weights(way, sqrt(high - low))
        total = whole * first
        for row, weight in zip(rows, others, strict=False):  # no matrix product: a GPU may round its factors
            total.add_(row, alpha=weight)  # in place: made two lines above
        return total

    return above


def splits(level: float, start: float, end: float) -> Iterator[Split]:
    """What is split, from an interval down to one that starts at the level, as far as numbers resolve it."""
    place = 0
    while start < level and start < (middle := round(0.5 * (start + end), DIGITS)) < end:
        length, is_lower = end - start, level < middle
        share, scatter = (middle - start) / length, sqrt((middle - start) * (end - middle) / length)
        yield Split(place, share, scatter, is_lower)
        place = 2 * place + (not is_lower)
        start, end = (start, middle) if is_lower else (middle, end)


def weights(way: Sequence[Split], spread: float) -> list[float]:
    """How much each draw counts in what is gained above a level: that for the whole, then those on the way.

    In each interval the path is a Brownian bridge, so that what one half gains by the draw the other loses.
    spread: of what is gained in the whole.
    """
    counted, found = 1.0, []  # how much of what an interval gains counts: from its end, all of the last
    for _, lower, scatter, is_lower in reversed(way):
        found.append((counted - 1.0 if is_lower else -counted) * scatter)
        counted = counted * lower + (1.0 - lower) if is_lower else counted * (1.0 - lower)
    return [counted * spread, *reversed(found)]


def number(first: int, *more: int) -> int:
    """What numpy's SeedSequence gives first for a pool that begins so, and words beyond the pool.

    In plain numbers, since a step of a sampler asks for some twenty.
    """
    assert len(more) <= len(HASHES)
    for word, (before, after) in zip(more, HASHES, strict=False):
        hashed = (word ^ before) * after & WORD
        first = KEPT * first - MIXED * (hashed ^ hashed >> 16) & WORD
        first ^= first >> 16
    given = (first ^ OUT) * (OUT * OUT_STEP & WORD) & WORD
    return given ^ given >> 16


def words(index: int) -> Iterator[int]:
    """A number in words of 32 bits, the lowest first; 0 is one word."""
    yield index & WORD
    while index := index >> 32:
        yield index & WORD
