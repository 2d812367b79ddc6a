"""Putting pictures, masks and latents together: one pasted onto another, blended, or side by side."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.inpaint import as_noise_mask
from diffusion.noise import tiled
from diffusion.resize import resized, resized_image
from diffusion.tiles import ramp
from diffusion.values import Image, Mask

Mix: TypeAlias = Callable[[Tensor, Tensor], Tensor]


class Place(NamedTuple):
    """Where the upper left corner of what is pasted comes to lie, in cells; it may lie outside."""

    x: int
    y: int


def pasted(below: Tensor, above: Tensor, place: Place, mask: Tensor | None = None) -> Tensor:
    """Planes [batch, channel, height, width] with others on top, where the mask is 1.

    The mask is brought to the size of what is pasted; what does not fit is cut off. A shorter batch is
    repeated.
    """
    above = tiled(above, len(below)).to(below)
    height, width = above.shape[-2:]
    opacity = above.new_ones(1, 1, height, width)
    if mask is not None:
        opacity = interpolate(as_noise_mask(mask).to(below), size=(height, width), mode="bilinear")
    opacity = tiled(opacity, len(below))
    x, y = min(max(place.x, -width), below.shape[-1]), min(max(place.y, -height), below.shape[-2])
    rows = slice(max(0, y), min(below.shape[-2], y + height))
    columns = slice(max(0, x), min(below.shape[-1], x + width))
    inner = (..., slice(rows.start - y, rows.stop - y), slice(columns.start - x, columns.stop - x))
    result = below.clone()
    result[..., rows, columns] = torch.lerp(below[..., rows, columns], above[inner], opacity[inner])
    return result


def pasted_image(below: Image, above: Image, place: Place, resizes: bool, mask: Mask | None) -> Image:
    """A picture with another on top; `resizes` brings that one to the size of the whole first."""
    planes, others = (torch.as_tensor(image).movedim(-1, 1) for image in (below, above))
    others = with_channels(others, planes.shape[1])
    if resizes:
        others = resized(others, planes.shape[-1], planes.shape[-2], "bilinear")
    return Image(pasted(planes, others, place, mask).movedim(1, -1))


def with_channels(planes: Tensor, channels: int) -> Tensor:
    """Planes [batch, channel, ...] with that many channels: the last are left out, or are full."""
    missing = channels - planes.shape[1]
    if missing <= 0:
        return planes[:, :channels]
    return torch.cat((planes, planes.new_ones(len(planes), missing, *planes.shape[2:])), 1)


def faded_edges(above: Tensor, place: Place, below: Tensor, feather: int) -> Tensor:
    """A mask for pasting [1, 1, height, width]: it fades over `feather` cells at sides inside the whole."""

    def edges(axis: int, start: int) -> Tensor:
        length, end = above.shape[axis], start + above.shape[axis]
        first = ramp(length, feather if start > 0 else 0)
        return first * ramp(length, feather if end < below.shape[axis] else 0).flip(0)

    return (edges(-2, place.y)[:, None] * edges(-1, place.x)).to(above)[None, None]


def soft_light(one: Tensor, other: Tensor) -> Tensor:
    """W3C Compositing and Blending, 10.1.9."""
    lifted = torch.where(one <= 0.25, ((16 * one - 12) * one + 4) * one, one.clamp(min=0).sqrt())
    dark = one - (1 - 2 * other) * one * (1 - one)
    return torch.where(other <= 0.5, dark, one + (2 * other - 1) * (lifted - one))


BLENDS: Mapping[str, Mix] = MappingProxyType(
    {
        "normal": lambda _one, other: other,
        "multiply": torch.mul,
        "screen": lambda one, other: 1 - (1 - one) * (1 - other),
        "overlay": lambda one, other: torch.where(
            one <= 0.5, 2 * one * other, 1 - 2 * (1 - one) * (1 - other)
        ),
        "soft_light": soft_light,
        "difference": torch.sub,
    }
)
"""By the field's names, from two pictures to their mix; the difference is cut off at black."""


def blended(one: Image, other: Image, share: float, mode: str) -> Image:
    """A share of the mix of two pictures over the first; the second takes its size."""
    first, second = torch.as_tensor(one), torch.as_tensor(matched(other, one, "bicubic"))
    return Image(torch.lerp(first, BLENDS[mode](first, second), share).clamp(0, 1))


def matched(image: Image, like: Image, method: str = "bilinear") -> Image:
    """A picture with the size and channels of another; it is cut around its middle to the aspect."""
    if image.shape[1:3] != like.shape[1:3]:
        image = resized_image(image, like.shape[2], like.shape[1], method, "center")
    return Image(with_channels(torch.as_tensor(image).movedim(-1, 1), like.shape[-1]).movedim(1, -1))


OPERATIONS: Mapping[str, Mix] = MappingProxyType(
    {
        "multiply": torch.mul,
        "add": torch.add,
        "subtract": torch.sub,
        "and": lambda one, other: torch.logical_and(one.round(), other.round()).to(one),
        "or": lambda one, other: torch.logical_or(one.round(), other.round()).to(one),
        "xor": lambda one, other: torch.logical_xor(one.round(), other.round()).to(one),
    }
)
"""By the field's names, from two masks to one."""


def combined(below: Mask, above: Mask, place: Place, operation: str) -> Mask:
    """A mask with another set against it at a place; outside the other it stays as it is."""
    planes, others = (as_noise_mask(mask) for mask in (below, above))
    there = pasted(torch.zeros_like(planes), torch.ones_like(others), place)
    both = OPERATIONS[operation](planes, pasted(planes, others, place)).clamp(0, 1)
    return Mask(torch.where(there > 0, both, planes)[:, 0])
