"""Filters for pictures: blur, sharpen, grain, few colours, shapes grown and worn away."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

from diffusion.ahead import sent
from diffusion.errors import DiffusionError
from diffusion.images import from_pixels, to_pixels
from diffusion.values import Image

Dither: TypeAlias = Literal["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"]


def blurred(image: Tensor, radius: int, sigma: float) -> Image:
    """A picture softened by a bell curve over 2 · radius + 1 pixels; sigma is a share of the radius."""
    return Image(convolved(torch.as_tensor(image), bell(radius, sigma)))


def sharpened(image: Tensor, radius: int, sigma: float, alpha: float) -> Image:
    """A picture with ten times alpha of what blurring takes away put on top."""
    return Image(convolved(torch.as_tensor(image), sharpening(radius, sigma, alpha)).clamp(0, 1))


def sharpening(radius: int, sigma: float, alpha: float) -> Tensor:
    """The kernel of `sharpened`; its sum is 1."""
    kernel = -10 * alpha * bell(radius, sigma)
    kernel[radius, radius] += 1 - kernel.sum()  # in place: made one line above
    return kernel


def bell(radius: int, sigma: float) -> Tensor:
    """A square bell curve, 2 · radius + 1 wide, whose sum is 1; its edges lie at -1 and 1 for any radius."""
    steps = torch.linspace(-1, 1, 2 * radius + 1)
    one = torch.exp(-(steps**2) / (2 * sigma**2))
    both = one[:, None] * one[None, :]
    return both / both.sum()


def convolved(image: Tensor, kernel: Tensor) -> Tensor:
    """A picture [batch, height, width, channel] after a kernel; beyond its borders it is mirrored."""
    channels, radius = image.shape[-1], kernel.shape[0] // 2
    mode = "reflect" if radius < min(image.shape[1:3]) else "replicate"
    planes = pad(image.movedim(-1, 1), (radius,) * 4, mode=mode)
    weight = sent(kernel, planes.device, planes.dtype).expand(channels, 1, -1, -1)
    return conv2d(planes, weight, groups=channels).movedim(1, -1)


def brightened(image: Tensor, factor: float) -> Image:
    """A picture whose values are multiplied by a factor."""
    return Image((torch.as_tensor(image) * factor).clamp(0, 1))


def contrasted(image: Tensor, factor: float) -> Image:
    """A picture whose values are a factor as far from the middle grey, 0.5."""
    return Image((0.5 + (torch.as_tensor(image) - 0.5) * factor).clamp(0, 1))


def standardised(image: Tensor, mean: float, spread: float) -> Image:
    """How many spreads values are above a mean; these are not 0 to 1 any more."""
    return Image((torch.as_tensor(image) - mean) / spread)


def grained(image: Tensor, seed: int, strength: float) -> Image:
    """A picture with unit-normal noise of a seed, drawn on the CPU, times a strength."""
    planes = torch.as_tensor(image)
    noise = torch.randn(planes.shape, generator=torch.Generator().manual_seed(seed)).to(planes)
    return Image((planes + strength * noise).clamp(0, 1))


def widened(planes: Tensor, size: int) -> Tensor:
    """The largest value in a square around each cell; what lies beyond the borders does not count."""
    before, after = size // 2, size - size // 2 - 1
    inside = pad(planes, (before, after, before, after), value=-math.inf)
    return max_pool2d(max_pool2d(inside, (1, size), stride=1), (size, 1), stride=1)


def worn(planes: Tensor, size: int) -> Tensor:
    """The smallest value in a square around each cell."""
    return -widened(-planes, size)


MORPHOLOGY: Mapping[str, Callable[[Tensor, int], Tensor]] = MappingProxyType(
    {
        "erode": worn,
        "dilate": widened,
        "open": lambda planes, size: widened(worn(planes, size), size),
        "close": lambda planes, size: worn(widened(planes, size), size),
        "gradient": lambda planes, size: widened(planes, size) - worn(planes, size),
        "bottom_hat": lambda planes, size: worn(widened(planes, size), size) - planes,
        "top_hat": lambda planes, size: planes - widened(worn(planes, size), size),
    }
)
"""By the field's names, from planes [batch, channel, height, width] and the side of a square."""


def reshaped(image: Tensor, operation: str, size: int) -> Image:
    """A picture after one of MORPHOLOGY."""
    return Image(MORPHOLOGY[operation](torch.as_tensor(image).movedim(-1, 1), size).movedim(1, -1))


def quantized(image: Tensor, colors: int, dither: Dither) -> Image:
    """Pictures of so few colours, each with a palette of its own."""
    frames = [few_colors(PIL.Image.fromarray(frame), colors, dither) for frame in to_pixels(image[..., :3])]
    return Image(torch.stack(frames))


def few_colors(picture: PIL.Image.Image, colors: int, dither: Dither) -> Tensor:
    """One RGB picture with a palette; colours between are told by a pattern, or not."""
    palette = picture.quantize(colors)
    way = PIL.Image.Dither.FLOYDSTEINBERG if dither == "floyd-steinberg" else PIL.Image.Dither.NONE
    if dither.startswith("bayer"):
        found = len(palette.getpalette() or ()) // 3
        picture = patterned(picture, int(dither.removeprefix("bayer-")), 512 / max(found, 1))
    return from_pixels(np.asarray(picture.quantize(colors, palette=palette, dither=way).convert("RGB")))


def patterned(picture: PIL.Image.Image, order: int, spread: float) -> PIL.Image.Image:
    """A picture with Bayer's ordered pattern added, so wide that it reaches the next colour."""
    pixels = np.asarray(picture, dtype=np.float32)
    rows, columns = (np.arange(side) % order for side in pixels.shape[:2])
    pattern = spread * (bayer(order)[np.ix_(rows, columns)] - 0.5 + 0.5 / order**2) + 0.5
    return PIL.Image.fromarray((pixels + pattern[..., None]).clip(0, 255).astype(np.uint8))


def bayer(order: int) -> np.ndarray:
    """Bayer 1973: thresholds in the order that keeps neighbours far apart, 0 to 1."""
    if order == 1:
        return np.zeros((1, 1), np.float32)
    inner = bayer(order // 2)
    step = 1 / order**2
    return np.block([[inner, inner + 2 * step], [inner + 3 * step, inner + step]])


LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue are to the eye (ITU-R BT.601)."""


def to_yuv(image: Tensor) -> tuple[Image, Image, Image]:
    """Brightness, and how far blue and red lie from it, 0.5 where they do not; each as a grey picture."""
    red, green, blue = torch.as_tensor(image)[..., :3].unbind(-1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    planes = (luma, (blue - luma) * 0.564 + 0.5, (red - luma) * 0.713 + 0.5)
    first, second, third = (Image(plane[..., None].repeat(1, 1, 1, 3)) for plane in planes)
    return first, second, third


def from_yuv(luma: Tensor, towards_blue: Tensor, towards_red: Tensor) -> Image:
    """The picture of three grey ones made by `to_yuv`, of which a single one serves a whole batch."""
    planes = [torch.as_tensor(each).mean(-1) for each in (luma, towards_blue, towards_red)]
    if len({plane.shape[1:] for plane in planes}) > 1 or len({1, *map(len, planes)}) > 2:
        found = [
            f"{count} of {width} x {height} pixels" for count, height, width in (p.shape for p in planes)
        ]
        raise DiffusionError(
            "Y, U and V differ in size or number: Y is {}, U is {}, V is {}.".format(*found),
            hint="Connect pictures of the same size and number, such as Image RGB To YUV gives.",
        )
    bright, blue, red = (plane.expand(max(map(len, planes)), -1, -1) for plane in planes)
    blue, red = blue - 0.5, red - 0.5
    parts = (bright + 1.403 * red, bright - 0.714 * red - 0.344 * blue, bright + 1.773 * blue)
    return Image(torch.stack(parts, -1))
