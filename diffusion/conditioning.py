"""Conditionings made of others: put together, joined, averaged, silenced, told where and when to act."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diffusion.errors import FamilyMismatch
from diffusion.families import title
from diffusion.values import Conditioning, Prompt, TimestepsRange
from diffusion.weight_hooks import WeightHook, united

log = logging.getLogger(__name__)


def together(*conditionings: Conditioning) -> Conditioning:
    """All entries side by side; where several act, their answers are averaged."""
    return Conditioning(tuple(entry for each in conditionings for entry in each.entries))


def filling_rest(
    conditioning: Conditioning, other: Conditioning, hooks: Sequence[WeightHook] = ()
) -> Conditioning:
    """A conditioning, and the other, with these hooks too, where it leaves room."""
    filling = other.each(lambda entry: replace(entry, fills_rest=True, hooks=united(entry.hooks, hooks)))
    return together(conditioning, filling)


@dataclass(frozen=True, slots=True, eq=False)
class Properties:
    """How strongly, where and when entries act. A mask has the strength instead of the entry.

    within_bounds: the network is shown only the mask's surroundings. hooks: beside those an entry has.
    """

    strength: float = 1.0
    mask: Tensor | None = None
    within_bounds: bool = False
    times: TimestepsRange | None = None
    hooks: tuple[WeightHook, ...] = ()

    def on(self, conditioning: Conditioning) -> Conditioning:
        """A conditioning with these."""
        return conditioning.each(self.on_entry)

    def on_entry(self, entry: Prompt) -> Prompt:
        """An entry with these; what is not said stays as it was."""
        entry = replace(entry, hooks=united(entry.hooks, self.hooks))
        if self.times is not None:
            entry = replace(entry, start=self.times.start, end=self.times.end)
        if self.mask is None:
            return replace(entry, strength=self.strength)
        return replace(entry, mask=self.mask, mask_strength=self.strength, mask_sets_area=self.within_bounds)


def joined(conditioning: Conditioning, other: Conditioning) -> Conditioning:
    """Every entry with the tokens of the other's first entry after its own; the rest stays as it was."""
    added = only(other)
    if added is None:
        return conditioning

    def with_tokens(entry: Prompt) -> Prompt:
        require_one_family(entry, added)
        one, two = batched(entry.tokens, added.tokens)
        return replace(entry, tokens=torch.cat((one, two), 1))

    return conditioning.each(with_tokens)


def averaged(conditioning: Conditioning, other: Conditioning, share: float) -> Conditioning:
    """Every entry mixed with the other's first: `share` of its own, the rest of the other's.

    The other's tokens are cut to the entry's number, or made up with zeros.
    """
    added = only(other)
    if added is None:
        return conditioning

    def mixed(entry: Prompt) -> Prompt:
        require_one_family(entry, added)
        one, two = batched(entry.tokens, added.tokens[:, : entry.tokens.shape[1]])
        missing = two.new_zeros(len(two), one.shape[1] - two.shape[1], two.shape[2])
        tokens = one * share + torch.cat((two, missing), 1) * (1.0 - share)
        if entry.pooled is None or added.pooled is None:
            return replace(entry, tokens=tokens)
        whole, other_whole = batched(entry.pooled, added.pooled)
        return replace(entry, tokens=tokens, pooled=whole * share + other_whole * (1.0 - share))

    return conditioning.each(mixed)


def silenced(conditioning: Conditioning) -> Conditioning:
    """The same entries saying nothing at all: every number of their tokens and pooled vectors is 0."""
    return conditioning.each(
        lambda entry: replace(
            entry,
            tokens=torch.zeros_like(entry.tokens),
            pooled=None if entry.pooled is None else torch.zeros_like(entry.pooled),
        )
    )


def only(conditioning: Conditioning) -> Prompt | None:
    """The first entry of a conditioning, of which only one is wanted; None if it has none."""
    if len(conditioning.entries) > 1:
        log.warning("of %d prompts only the first is used here", len(conditioning.entries))
    return conditioning.entries[0] if conditioning.entries else None


def require_one_family(one: Prompt, other: Prompt) -> None:
    """Refuse to mix prompts of two families."""
    if one.tokens.shape[2] != other.tokens.shape[2]:
        raise FamilyMismatch(
            f"These prompts cannot be mixed: one was encoded for {title(one.family)} with "
            f"{one.tokens.shape[2]} numbers a token, the other for {title(other.family)} with "
            f"{other.tokens.shape[2]}.",
            "Encode both with the same text encoder.",
        )


def batched(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Two batches, one of which may have a single row, as batches of one size."""
    rows = max(len(one), len(other))
    return one.expand(rows, *one.shape[1:]), other.expand(rows, *other.shape[1:])
