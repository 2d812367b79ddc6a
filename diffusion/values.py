"""What travels between nodes: pictures, masks, sound, videos, latents and prompts.

Shapes and ranges are said here, once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeAlias

import torch
from torch import Tensor

from diffusion.clip_vision import Seen
from diffusion.controlnet import Control, Said
from diffusion.gligen import Grounding
from diffusion.weight_hooks import WeightHook

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
class Audio:
    """Sound: float32 [batch, channel, sample], -1 to 1, at `sample_rate` samples in a second."""

    waveform: Tensor
    sample_rate: int
    socket: ClassVar[str] = "AUDIO"


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """What a video consists of: its frames as an image batch, how many are shown in a second, its sound."""

    images: Image
    rate: Fraction
    audio: Audio | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Video:
    """A video: footage in memory, or the file it stays in until `diffusion.video.footage` is asked for it."""

    source: Footage | Path
    socket: ClassVar[str] = "VIDEO"


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


@dataclass(frozen=True, slots=True)
class Framing:
    """What SDXL is told of the pictures it was trained on, in pixels; None follows from the run.

    width, height: of the original. crop_w, crop_h: cut off on the left and at the top. target_width,
    target_height: of what was cut out. score: how beautiful it is, 0 to 10; only the refiner asks.
    """

    width: int | None = None
    height: int | None = None
    crop_w: int = 0
    crop_h: int = 0
    target_width: int | None = None
    target_height: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A picture that a prompt follows: what was seen in it, how strongly, and how noisy, 0 to 1."""

    seen: Seen
    strength: float = 1.0
    noise: float = 0.0


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Prompt:
    """One encoded text, and where, when and how strongly it acts.

    tokens: float32 [batch, tokens, width]; pooled: float32 [batch, width] or None.
    family: the name of the model family it was encoded for, or None if unknown.
    area: (height, width, y, x) in latent cells, or as fractions of the picture if `area_is_fraction`.
    mask: [batch, height, width] at any size; `mask_sets_area` narrows the area to the mask's bounding box.
    start, end: the part of the sampling it acts in, 0 to 1.
    framing: the size of picture it asks for; None leaves that to the run.
    concat_latent, concat_mask: what a network made for inpainting or editing sees beside the state: a
    picture in the VAE's space [batch, channel, height, width], and what of it to repaint. For a network made
    for upscaling it is the small picture itself, -1 to 1, and concat_noise how noisy it becomes, 0 to 1.
    pictures: what a network that reads pictures follows beside the text. control_text: what its controls are
    told in place of it. grounding: what should be where, in boxes.
    fills_rest: it acts only where, and as much as, the other entries of its conditioning leave room.
    hooks: weights that the network has only while it is asked about this prompt. text_start, text_end: the
    part of the sampling that the text was encoded for, 0 to 1; it acts in what this and its own part share.
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
    framing: Framing | None = None
    concat_latent: Tensor | None = None
    concat_mask: Tensor | None = None
    concat_noise: float = 0.0
    pictures: tuple[Followed, ...] = ()
    control_text: Said | None = None
    grounding: Grounding | None = None
    fills_rest: bool = False
    hooks: tuple[WeightHook, ...] = ()
    text_start: float = 0.0
    text_end: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


class Augmentation(Protocol):
    """How a network that reads pictures is told of them: a little noisy, and how noisy.

    Conditioning augmentation, Ho et al. 2021 (arXiv:2106.15282), section 4.
    """

    def told(self, prompt: Prompt, x: Tensor, seed: int) -> Prompt:
        """The prompt as a run with that seed gives it to the network; what is pooled is what it is told.

        x: the run's latents [batch, channel, height, width].
        """


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Conditioning:
    """What the picture should be: prompts that are averaged where and when they act."""

    entries: tuple[Prompt, ...]
    socket: ClassVar[str] = "CONDITIONING"

    def each(self, change: Callable[[Prompt], Prompt]) -> "Conditioning":
        """The same conditioning with every entry replaced by `change(entry)`."""
        return Conditioning(tuple(change(entry) for entry in self.entries))


@dataclass(frozen=True, slots=True)
class TimestepsRange:
    """A part of the sampling, 0 to 1; 0 is the beginning, when a picture is all noise."""

    start: float
    end: float
    socket: ClassVar[str] = "TIMESTEPS_RANGE"
