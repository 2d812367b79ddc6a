"""What travels between nodes: pictures, masks, latents and prompts. Shapes and ranges are said here, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from diffusion.controlnet import Control

Sigmas: TypeAlias = tuple[float, ...]
"""Noise levels, falling. Each is exactly a float32 value; the last one is usually 0."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Image(Tensor):
    """An image batch: float32 [batch, height, width, channel], values 0 to 1, sRGB.

    Wraps a tensor without copying; arithmetic on it gives plain tensors again.
    """

    socket: ClassVar[str] = "IMAGE"
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def __new__(cls, tensor: Tensor) -> "Image":
        """Wrap a tensor; no copy is made."""
        return tensor.as_subclass(cls)


class Mask(Tensor):
    """A mask batch: float32 [batch, height, width], 0 keeps and 1 changes. Wraps a tensor without copying."""

    socket: ClassVar[str] = "MASK"
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def __new__(cls, tensor: Tensor) -> "Mask":
        """Wrap a tensor; no copy is made."""
        return tensor.as_subclass(cls)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Latent:
    """A compressed picture: float32 [batch, channel, height, width] in the VAE's own space, not scaled.

    `noise_mask` [batch, 1, height, width] at any size: 1 is repainted. `batch_index` tells which images
    of a larger batch these are, so that they get the noise they had there. `extra` keeps what we do not
    know.
    """

    samples: Tensor
    noise_mask: Tensor | None = None
    batch_index: tuple[int, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    socket: ClassVar[str] = "LATENT"


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Prompt:
    """One encoded text, and where, when and how strongly it acts.

    tokens: float32 [batch, tokens, width]; pooled: float32 [batch, width] or None.
    family: the name of the model family it was encoded for, or None if unknown.
    area: (height, width, y, x) in latent cells, or as fractions of the picture if `area_is_fraction`.
    mask: [batch, height, width] at any size; `mask_sets_area` narrows the area to the mask's bounding box.
    start, end: the part of the sampling it acts in, 0 to 1.
    """

    tokens: Tensor
    pooled: Tensor | None = None
    family: str | None = None
    area: tuple[float, float, float, float] | None = None
    area_is_fraction: bool = False
    strength: float = 1.0
    mask: Tensor | None = None
    mask_strength: float = 1.0
    mask_sets_area: bool = False
    start: float = 0.0
    end: float = 1.0
    controls: tuple[Control, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Conditioning:
    """What the picture should be: prompts that are averaged where and when they act."""

    entries: tuple[Prompt, ...]
    socket: ClassVar[str] = "CONDITIONING"

    def each(self, change: Callable[[Prompt], Prompt]) -> "Conditioning":
        """The same conditioning with every entry replaced by `change(entry)`."""
        return Conditioning(tuple(change(entry) for entry in self.entries))
