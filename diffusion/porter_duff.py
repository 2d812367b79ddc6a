"""Porter and Duff 1984, "Compositing digital images", and the modes that later programs added to theirs.

Colours are worked with multiplied by their opacity; `s` and `d` are opacities of source and destination.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.composite import matched
from diffusion.noise import tiled
from diffusion.values import Image, Mask

CLEAR = 1e-5
"""Below this opacity a colour cannot be told."""


class Layer(NamedTuple):
    """Colours [batch, height, width, 3], and where nothing is to be seen: 1 in [batch, height, width]."""

    image: Image
    mask: Mask


Share: TypeAlias = Tensor | float
SHARES: Mapping[str, Callable[[Tensor, Tensor], tuple[Share, Share]]] = MappingProxyType(
    {
        "CLEAR": lambda _s, _d: (0.0, 0.0),
        "SRC": lambda _s, _d: (1.0, 0.0),
        "DST": lambda _s, _d: (0.0, 1.0),
        "SRC_OVER": lambda s, _d: (1.0, 1 - s),
        "DST_OVER": lambda _s, d: (1 - d, 1.0),
        "SRC_IN": lambda _s, d: (d, 0.0),
        "DST_IN": lambda s, _d: (0.0, s),
        "SRC_OUT": lambda _s, d: (1 - d, 0.0),
        "DST_OUT": lambda s, _d: (0.0, 1 - s),
        "SRC_ATOP": lambda s, d: (d, 1 - s),
        "DST_ATOP": lambda s, d: (1 - d, s),
        "XOR": lambda s, d: (1 - d, 1 - s),
        "ADD": lambda _s, _d: (1.0, 1.0),
    }
)
"""How much of source and destination shows."""

MIXES: Mapping[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "MULTIPLY": lambda one, other, _s, _d: one * other,
        "SCREEN": lambda one, other, _s, _d: one + other - one * other,
        "OVERLAY": lambda one, other, s, d: torch.where(
            2 * other < d, 2 * one * other, s * d - 2 * (d - other) * (s - one)
        ),
        "DARKEN": lambda one, other, s, d: one * (1 - d) + other * (1 - s) + torch.minimum(one, other),
        "LIGHTEN": lambda one, other, s, d: one * (1 - d) + other * (1 - s) + torch.maximum(one, other),
    }
)
"""Colours times opacity, from those of source and destination."""

MODES = tuple(sorted((*SHARES, *MIXES)))


def composite(source: Layer, destination: Layer, mode: str) -> Layer:
    """A layer over another, in one of MODES; the other takes the size of the first."""
    s, d = opacity(source.mask, source.image), opacity(destination.mask, source.image)
    one = torch.as_tensor(source.image)[..., :3] * s
    other = torch.as_tensor(matched(destination.image, source.image, "bicubic"))[..., :3] * d
    if mode in SHARES:
        left, right = SHARES[mode](s, d)
        colours, alpha = left * one + right * other, left * s + right * d
    else:
        colours = MIXES[mode](one, other, s, d)
        alpha = s * d if mode == "MULTIPLY" else s + d - s * d
    alpha = torch.as_tensor(alpha).clamp(0, 1)
    plain = torch.where(alpha > CLEAR, colours / alpha.clamp(min=CLEAR), 0.0)
    return Layer(Image(plain.clamp(0, 1)), Mask(1 - alpha[..., 0]))


def opacity(mask: Mask, image: Image) -> Tensor:
    """How opaque each pixel of a picture is, [batch, height, width, 1], from the mask of what is not."""
    plane = torch.as_tensor(mask)[:, None].float()
    if plane.shape[-2:] != image.shape[1:3]:
        plane = interpolate(plane, size=image.shape[1:3], mode="bicubic").clamp(0, 1)
    return 1 - tiled(plane, len(image)).movedim(1, -1)
