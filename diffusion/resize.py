"""Resampling: pictures and latents at another size, by the methods and names of the field."""

import math
from typing import Literal, TypeAlias

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.crop import center_cropped
from diffusion.images import from_pixels, to_pixels
from diffusion.values import Image

Method: TypeAlias = Literal["nearest-exact", "bilinear", "area", "bicubic", "lanczos", "bislerp"]
IMAGE_METHODS: tuple[Method, ...] = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
LATENT_METHODS: tuple[Method, ...] = ("nearest-exact", "bilinear", "area", "bicubic", "bislerp")
Crop: TypeAlias = Literal["disabled", "center"]


def resized(planes: Tensor, width: int, height: int, method: str, crop: str = "disabled") -> Tensor:
    """Planes [batch, channel, height, width] at another size. `center` cuts to the new aspect first."""
    if crop == "center":
        planes = center_cropped(planes, width, height)
    if method == "bislerp":
        return _bislerp(planes, width, height)
    if method == "lanczos":
        return _lanczos(planes, width, height)
    return interpolate(planes, size=(height, width), mode=method)


def resized_image(image: Tensor, width: int, height: int, method: str, crop: str = "disabled") -> Image:
    """A picture at another size."""
    return Image(resized(torch.as_tensor(image).movedim(-1, 1), width, height, method, crop).movedim(1, -1))


def fitting_size(size: tuple[int, int], width: int, height: int, least: int = 1) -> tuple[int, int]:
    """The wanted (width, height) for something of that `size`; a 0 follows from the other and the aspect."""
    old_width, old_height = size
    if width == 0 and height == 0:
        return old_width, old_height
    if width == 0:
        height = max(least, height)
        return max(least, round(old_width * height / old_height)), height
    if height == 0:
        width = max(least, width)
        return width, max(least, round(old_height * width / old_width))
    return max(least, width), max(least, height)


def size_of_pixels(size: tuple[int, int], megapixels: float, step: int = 1) -> tuple[int, int]:
    """The (width, height) in this aspect with so many times 1024 x 1024 pixels, in multiples of a step."""
    width, height = size
    scale = math.sqrt(megapixels * 1024 * 1024 / (width * height))
    return max(1, round(width * scale / step)) * step, max(1, round(height * scale / step)) * step


def with_longer_side(size: tuple[int, int], length: int) -> tuple[int, int]:
    """The (width, height) in this aspect whose longer side has a length; 0 leaves it as it is."""
    return fitting_size(size, length, 0) if size[0] >= size[1] else fitting_size(size, 0, length)


def with_shorter_side(size: tuple[int, int], length: int) -> tuple[int, int]:
    """The (width, height) in this aspect whose shorter side has a length; 0 leaves it as it is."""
    return fitting_size(size, 0, length) if size[0] >= size[1] else fitting_size(size, length, 0)


KONTEXT_SIZES = (
    (672, 1568),
    (688, 1504),
    (720, 1456),
    (752, 1392),
    (800, 1328),
    (832, 1248),
    (880, 1184),
    (944, 1104),
    (1024, 1024),
)
"""Widths and heights that FLUX.1 Kontext was trained with; the wide ones are these turned."""


def for_kontext(image: Tensor) -> Image:
    """A picture at the size FLUX.1 Kontext knows whose aspect is nearest; what sticks out is cut off."""
    aspect = image.shape[2] / image.shape[1]
    sizes = {*KONTEXT_SIZES, *((height, width) for width, height in KONTEXT_SIZES)}
    width, height = min(sorted(sizes), key=lambda size: abs(aspect - size[0] / size[1]))
    return resized_image(image, width, height, "lanczos", "center")


def _lanczos(planes: Tensor, width: int, height: int) -> Tensor:
    frames = [np.atleast_3d(frame) for frame in to_pixels(planes.movedim(1, -1))]
    made = [_lanczos_frame(frame, width, height) for frame in frames]
    return torch.stack([from_pixels(frame) for frame in made]).movedim(-1, 1).to(planes)


def _lanczos_frame(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    picture = PIL.Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame)
    return np.atleast_3d(np.asarray(picture.resize((width, height), PIL.Image.Resampling.LANCZOS)))


def _bislerp(planes: Tensor, width: int, height: int) -> Tensor:
    """Bilinear between channel vectors on the sphere: direction by slerp, length by lerp; width first."""
    wide = _slerped_along_last(planes.float(), width)
    return _slerped_along_last(wide.transpose(-1, -2), height).transpose(-1, -2).to(planes.dtype)


def _slerped_along_last(planes: Tensor, length: int) -> Tensor:
    old = planes.shape[-1]
    ramp = torch.arange(old, dtype=torch.float32, device=planes.device)
    at = interpolate(ramp[None, None, None], size=(1, length), mode="bilinear")[0, 0, 0]
    low = at.floor().long()
    high = (low + 1).clamp(max=old - 1)
    return _slerp(planes[..., low], planes[..., high], at - at.floor())


def _slerp(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Between vectors along dimension 1; `share` 0 is `one`. Shoemake 1985."""
    one_length, other_length = one.norm(dim=1, keepdim=True), other.norm(dim=1, keepdim=True)
    one_way = torch.where(one_length > 0, one / one_length, 0.0)
    other_way = torch.where(other_length > 0, other / other_length, 0.0)
    cosine = (one_way * other_way).sum(1, keepdim=True)
    angle = cosine.clamp(-1, 1).acos()
    way = (((1 - share) * angle).sin() * one_way + (share * angle).sin() * other_way) / angle.sin()
    turned = way * (one_length * (1 - share) + other_length * share)
    turned = torch.where(cosine > 1 - 1e-5, one, turned)
    return torch.where(cosine < 1e-5 - 1, one * (1 - share) + other * share, turned)
