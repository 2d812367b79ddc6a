"""Latents cut, joined, mixed and sorted into batches."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from diffusion.composite import Place, faded_edges, pasted
from diffusion.errors import DiffusionError
from diffusion.inpaint import as_noise_mask, mask_for
from diffusion.noise import tiled
from diffusion.resize import resized
from diffusion.values import Latent, Mask

Axis: TypeAlias = Literal["x", "y", "t"]
AXES = {"x": -1, "y": -2, "t": -3}
LEAST = 8
"""The least side of what is cut out, in cells."""


def require_channels(samples: Tensor, *others: Tensor) -> None:
    """Refuse latents whose cells hold other numbers, which no resizing makes alike.

    Raises DiffusionError.
    """
    for other in others:
        if other.shape[1] != samples.shape[1]:
            raise DiffusionError(
                f"A latent of {other.shape[1]} channels does not go together with one of {samples.shape[1]}.",
                hint="Make both for the same kind of model, or encode both with the same VAE.",
            )


def fitting(samples: Tensor, like: Tensor) -> Tensor:
    """Samples at the size and batch length of others, cut around their middle to the aspect."""
    require_channels(like, samples)
    if samples.shape[1:] != like.shape[1:]:
        samples = resized(samples, like.shape[-1], like.shape[-2], "bilinear", "center")
    return tiled(samples, len(like))


def interpolated(one: Latent, other: Latent, ratio: float) -> Latent:
    """Between two latents, direction and length of each cell apart; ratio 1 is the first."""
    first, second = one.samples, fitting(other.samples, one.samples)
    lengths = [each.norm(dim=1, keepdim=True) for each in (first, second)]
    ways = [(each / length).nan_to_num(0) for each, length in zip((first, second), lengths, strict=True)]
    mean = ratio * ways[0] + (1 - ratio) * ways[1]
    way = (mean / mean.norm(dim=1, keepdim=True)).nan_to_num(0)
    return replace(one, samples=way * (ratio * lengths[0] + (1 - ratio) * lengths[1]))


def blended(one: Latent, other: Latent, share: float) -> Latent:
    """A share of the first latent, and the rest of the second, which takes its size.

    A single one is blended with each of a batch.
    """
    first, second = one.samples, other.samples
    require_channels(first, second)
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise DiffusionError(
            f"A batch of {len(first)} latents cannot be blended with one of {len(second)}.",
            hint="Connect batches of the same length, or a single latent.",
        )
    if second.shape[-2:] != first.shape[-2:]:
        second = resized(second, first.shape[-1], first.shape[-2], "bicubic", "center")
    return replace(one, samples=first * share + second * (1 - share))


def composite(below: Latent, above: Latent, place: Place, feather: int) -> Latent:
    """A latent with another on top, that fades at its sides over `feather` cells."""
    require_channels(below.samples, above.samples)
    mask = faded_edges(above.samples, place, below.samples, feather)
    return replace(below, samples=pasted(below.samples, above.samples, place, mask))


def composite_masked(below: Latent, above: Latent, place: Place, resizes: bool, mask: Mask | None) -> Latent:
    """A latent with another on top where the mask is 1; `resizes` makes it as large as the whole first."""
    planes, others = below.samples, above.samples
    require_channels(planes, others)
    if resizes:
        others = resized(others, planes.shape[-1], planes.shape[-2], "bilinear")
    return replace(below, samples=pasted(planes, others, place, mask))


def crop(latent: Latent, width: int, height: int, x: int, y: int) -> Latent:
    """A part of a latent, in cells; at least 8 x 8 cells lie inside, and a mask is cut with it."""
    rows, columns = latent.samples.shape[-2:]
    x, y = max(0, min(x, columns - LEAST)), max(0, min(y, rows - LEAST))
    box = (..., slice(y, y + height), slice(x, x + width))
    mask = latent.noise_mask
    cut = None if mask is None else mask_for(mask, latent.samples)[box]
    return replace(latent, samples=latent.samples[box], noise_mask=cut)


def turned(latent: Latent, quarters: int) -> Latent:
    """A latent turned to the right by so many quarters, and its mask."""
    mask = latent.noise_mask
    return replace(
        latent,
        samples=latent.samples.rot90(quarters, (-1, -2)),
        noise_mask=None if mask is None else as_noise_mask(mask).rot90(quarters, (-1, -2)),
    )


def mirrored(latent: Latent, axis: Axis) -> Latent:
    """A latent mirrored along an axis, and its mask."""
    mask = latent.noise_mask
    place = AXES[axis]
    return replace(
        latent,
        samples=latent.samples.flip(place),
        noise_mask=None if mask is None else as_noise_mask(mask).flip(place),
    )


def joined(one: Latent, other: Latent, axis: Axis, reverse: bool) -> Latent:
    """Two latents side by side; `reverse` puts the other first. Along "t" it is their channels."""
    pair = [one.samples, tiled(other.samples, len(one.samples))]
    if axis != "t":
        require_channels(*pair)
    for side, word in (("x", "wide"), ("y", "high")):
        lengths = [each.shape[AXES[side]] for each in pair]
        if side != axis and lengths[0] != lengths[1]:
            raise DiffusionError(
                f"A latent {lengths[0]} cells {word} cannot be joined along {axis} to one of {lengths[1]}.",
                hint=f"Make both equally {word}, with Upscale Latent or Crop Latent.",
            )
    return replace(one, samples=torch.cat(pair[::-1] if reverse else pair, AXES[axis]), noise_mask=None)


def cut(latent: Latent, axis: Axis, index: int, amount: int) -> Latent:
    """Some cells of a latent along an axis; a negative index counts from the end."""
    place = AXES[axis]
    length = latent.samples.shape[place]
    start = max(index + length, 0) if index < 0 else min(index, length - 1)
    samples = latent.samples.narrow(place, start, min(amount, length - start))
    return replace(latent, samples=samples, noise_mask=None)


def cut_to_batch(latent: Latent, axis: Axis, size: int) -> Latent:
    """A latent cut along an axis into slices of a size, which become a batch; the rest is dropped."""
    moved = latent.samples.movedim(AXES[axis], 1)
    size = min(size, moved.shape[1])
    whole = moved[:, : moved.shape[1] // size * size]
    slices = whole.reshape(-1, size, *whole.shape[2:]).movedim(1, AXES[axis])
    return Latent(slices, extra=latent.extra)


def batched(latents: Sequence[Latent]) -> Latent:
    """All latents in one batch, each at the size of the first; they keep their noise and their masks."""
    first = latents[0]
    require_channels(*(each.samples for each in latents))
    samples = [
        each.samples
        if each.samples.shape[1:] == first.samples.shape[1:]
        else resized(each.samples, first.samples.shape[-1], first.samples.shape[-2], "bilinear", "center")
        for each in latents
    ]
    indices = tuple(
        index for each in latents for index in each.batch_index or tuple(range(len(each.samples)))
    )
    mask = None
    if any(each.noise_mask is not None for each in latents):
        mask = torch.cat([mask_of(each, like) for each, like in zip(latents, samples, strict=True)])
    return replace(first, samples=torch.cat(samples), noise_mask=mask, batch_index=indices)


def mask_of(latent: Latent, like: Tensor) -> Tensor:
    """A latent's mask, one for each of its images; all is repainted where there is none."""
    if latent.noise_mask is None:
        return like.new_ones(len(like), 1, *like.shape[-2:])
    return mask_for(latent.noise_mask, like)


def rebatched(latents: Sequence[Latent], size: int) -> list[Latent]:
    """The images of all latents, in batches of a size; a batch holds images of one size only."""
    batches: list[Latent] = []
    for run in runs(latents):
        whole = batched(run)
        samples, mask, indices = whole.samples, whole.noise_mask, whole.batch_index or ()
        for start in range(0, len(samples), size):
            part = slice(start, start + size)
            batches.append(
                replace(
                    whole,
                    samples=samples[part],
                    noise_mask=None if mask is None else mask[part],
                    batch_index=indices[part],
                )
            )
    return batches


def runs(latents: Sequence[Latent]) -> list[list[Latent]]:
    """Neighbours whose images are of one size."""
    found: list[list[Latent]] = []
    for latent in latents:
        if found and found[-1][0].samples.shape[1:] == latent.samples.shape[1:]:
            found[-1].append(latent)
        else:
            found.append([latent])
    return found


def with_noise_of(latent: Latent, all_alike: bool) -> Latent:
    """A batch whose images all get the noise of the first, or each its own."""
    if not all_alike:
        return replace(latent, batch_index=None)
    first = (latent.batch_index or (0,))[0]
    return replace(latent, batch_index=(first,) * len(latent.samples))
