"""Pictures: from a file, to a file, inverted, padded.

What a file may hold is checked from its header, before a pixel is decoded.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import PIL.Image
import torch
from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from diffusion.errors import DiffusionError
from diffusion.values import Image, Mask

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
PIXELS = 64 * 2**20
FRAMES = 2000
ALL_PIXELS = 128 * 2**20
NO_MASK_SIZE = 64
"""The side of the empty mask of a picture without transparency, whatever its size, as in all the field."""

Pixels: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
Channel: TypeAlias = Literal["alpha", "red", "green", "blue"]


class UnreadablePicture(DiffusionError):
    """The file is not a picture, or not one that is safe to open."""


class Picture(NamedTuple):
    """A picture, and where it is transparent: 1 where nothing is to be seen."""

    image: Image
    mask: Mask


def read_picture(path: Path) -> Picture:
    """Every frame of a picture file, upright. Raises UnreadablePicture with what is wrong with it."""
    frames = list(_frames(path))
    size = frames[0].size
    frames = [frame for frame in frames if frame.size == size]
    images = [torch.from_numpy(np.asarray(_rgb(frame), dtype=np.float32) / 255) for frame in frames]
    alphas = [_transparency(frame) for frame in frames]
    if all(alpha is None for alpha in alphas):
        mask = torch.zeros(len(frames), NO_MASK_SIZE, NO_MASK_SIZE)
    else:
        opaque = torch.zeros(size[1], size[0])
        mask = torch.stack([opaque if alpha is None else alpha for alpha in alphas])
    return Picture(Image(torch.stack(images)), Mask(mask))


def read_channel(path: Path, channel: Channel) -> Mask:
    """One channel of a picture file as a mask of its size.

    Alpha is inverted, so that what is transparent is selected: nothing, where a picture has none.
    """
    frame = next(_frames(path))
    if channel == "alpha":
        alpha = _transparency(frame)
        return Mask((torch.zeros(frame.height, frame.width) if alpha is None else alpha)[None])
    plane = _rgb(frame).getchannel(channel[0].upper())
    return Mask(torch.from_numpy(np.asarray(plane, dtype=np.float32) / 255)[None])


def write_png(pixels: Pixels, path: Path, texts: Mapping[str, str]) -> None:
    """Write one frame of `to_pixels` as a PNG, with texts inside for programs to find."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    plane = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    PIL.Image.fromarray(plane).save(path, format="PNG", pnginfo=info, compress_level=4)


def write_animated_png(
    pixels: Pixels, path: Path, texts: Mapping[str, str], fps: float, compress_level: int
) -> None:
    """Write all frames as one animated PNG, with texts inside for programs to find."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    first, *others = map(PIL.Image.fromarray, pixels)
    first.save(
        path,
        format="PNG",
        pnginfo=info,
        save_all=True,
        append_images=others,
        duration=int(1000 / fps),
        compress_level=compress_level,
    )


def write_animated_webp(
    pixels: Pixels, path: Path, texts: Mapping[str, str], fps: float, options: Mapping[str, object]
) -> None:
    """Write all frames as one animated WebP, with texts in the tags from Model downwards."""
    first, *others = map(PIL.Image.fromarray, pixels)
    exif = first.getexif()
    for place, (key, text) in enumerate(sorted(texts.items())):
        exif[ExifTags.Base.Model - place] = f"{key}:{text}"
    first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=others,
        duration=int(1000 / fps),
        exif=exif,
        **options,
    )


def shown_mask(mask: Tensor) -> Image:
    """A mask as a grey picture."""
    plain = torch.as_tensor(mask)
    return Image(plain.reshape(-1, *plain.shape[-2:], 1).repeat(1, 1, 1, 3))


def with_color(image: Tensor, color: int) -> Mask:
    """Where a picture has just this colour: red, green and blue, each 0 to 255, as one number."""
    parts = (torch.as_tensor(image)[..., :3].clamp(0, 1) * 255).round().to(torch.int64)
    numbers = (parts[..., 0] << 16) + (parts[..., 1] << 8) + parts[..., 2]
    return Mask((numbers == color).float())


def to_pixels(image: Tensor) -> Pixels:
    """An image batch as bytes. The fraction is cut off, not rounded, as every program of the field does."""
    values = torch.as_tensor(image).detach().float().cpu()
    return (values * 255).nan_to_num(0).clamp(0, 255).to(torch.uint8).numpy()


def from_pixels(pixels: Pixels) -> Tensor:
    """Bytes as values from 0 to 1."""
    return torch.from_numpy(pixels.astype(np.float32) / 255)


def inverted(image: Tensor) -> Image:
    """The negative of a picture."""
    return Image(1 - image)


class Margins(NamedTuple):
    """How many pixels to add on each side."""

    left: int
    top: int
    right: int
    bottom: int


def padded_for_outpaint(image: Tensor, margins: Margins, feathering: int) -> Picture:
    """A picture with grey margins, and the mask that paints them.

    Inside the picture, along the sides that grow, the mask falls off with the square of the distance over
    `feathering` pixels, and not at all unless the picture is more than twice as high and wide.
    """
    batch, height, width, channels = image.shape
    left, top, right, bottom = margins
    canvas = torch.full((batch, top + height + bottom, left + width + right, channels), 0.5)
    canvas[:, top : top + height, left : left + width] = image  # in place: made one line above
    mask = torch.ones(1, *canvas.shape[1:3])
    mask[:, top : top + height, left : left + width] = _seam((height, width), margins, feathering)
    return Picture(Image(canvas), Mask(mask))


def _seam(size: tuple[int, int], margins: Margins, feathering: int) -> Tensor:
    height, width = size
    if feathering <= 0 or 2 * feathering >= min(size):
        return torch.zeros(size)
    rows, columns = torch.arange(float(height))[:, None], torch.arange(float(width))[None, :]
    far = torch.full(size, float(feathering))
    sides = (columns, rows, width - columns, height - rows)
    distance = torch.stack(
        [side.expand(size) if margin else far for side, margin in zip(sides, margins, strict=True)]
    )
    return ((feathering - distance.amin(0)).clamp(min=0) / feathering) ** 2


def _frames(path: Path) -> Iterator[PIL.Image.Image]:
    """The frames of a file, upright, checked against the limits; of a multi-picture photo only the first."""
    with _sentences(path), PIL.Image.open(path, formats=FORMATS) as file:
        pixels = file.width * file.height
        if pixels > PIXELS:
            raise UnreadablePicture(
                f"'{path.name}' is {file.width} x {file.height} pixels, over the limit of 64 megapixels.",
                hint="Make it smaller in another program first.",
            )
        for index in count():
            try:
                file.seek(index)
            except EOFError:
                return
            if index >= FRAMES or (index + 1) * pixels > ALL_PIXELS:
                raise UnreadablePicture(
                    f"'{path.name}' has more frames than fit in memory: {index} were read.",
                    hint=f"Use a shorter animation: at most {FRAMES} frames and 128 megapixels in all.",
                )
            file.load()
            yield _upright(file)
            if file.format == "MPO":
                return


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turns whatever a decoder raises about a bad file into a sentence."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnreadablePicture(
            f"'{path.name}' is not a picture of a kind that can be opened.",
            hint="Use a PNG, JPEG, WebP, GIF or AVIF file.",
        ) from error
    except PIL.Image.DecompressionBombError as error:
        raise UnreadablePicture(
            f"'{path.name}' has more pixels than the limit of 64 megapixels.",
            hint="Make it smaller in another program first.",
        ) from error
    except FileNotFoundError as error:
        raise UnreadablePicture(
            f"There is no picture '{path.name}'.", hint="Choose another, or upload it."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
        raise UnreadablePicture(
            f"'{path.name}' is damaged or cut short: {error}.", hint="Copy or export the file again."
        ) from error


def _upright(frame: PIL.Image.Image) -> PIL.Image.Image:
    try:
        return ImageOps.exif_transpose(frame.copy())
    except (ValueError, SyntaxError, TypeError, struct.error):
        return frame.copy()  # a picture with unreadable notes on how it was held is still a picture


def _rgb(frame: PIL.Image.Image) -> PIL.Image.Image:
    if frame.mode.startswith("I"):
        values = np.asarray(frame, dtype=np.float64) / 255
        frame = PIL.Image.fromarray(values.clip(0, 255).astype(np.uint8))
    return frame.convert("RGB")


def _transparency(frame: PIL.Image.Image) -> Tensor | None:
    """1 where a frame is transparent, or None if nowhere could be."""
    if frame.mode == "P" and "transparency" in frame.info:
        frame = frame.convert("RGBA")
    if "A" not in frame.getbands():
        return None
    return 1 - torch.from_numpy(np.asarray(frame.getchannel("A"), dtype=np.float32) / 255)
