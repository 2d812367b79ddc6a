"""Pictures cut, turned, put side by side, and sorted into batches."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import pad

from diffusion.composite import matched, with_channels
from diffusion.noise import tiled
from diffusion.resize import resized_image
from diffusion.values import Image

Side: TypeAlias = Literal["right", "down", "left", "up"]
COLORS: dict[str, tuple[float, float, float]] = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


class Gap(NamedTuple):
    """What lies between two pictures: pixels, and red, green and blue."""

    px: int
    color: tuple[float, float, float]


def plain(size: tuple[int, int], color: Sequence[float], batch: int = 1) -> Image:
    """A picture of one colour; size is (height, width)."""
    return Image(torch.tensor(color).expand(batch, *size, len(color)).contiguous())


def crop(image: Tensor, width: int, height: int, x: int, y: int) -> Tensor:
    """A part of a batch [batch, height, width, ...]; its corner lies inside, its end may not."""
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    return image[:, y : y + height, x : x + width]


def middle(image: Tensor, width: int, height: int) -> Image:
    """The middle of a batch, at most as large as it is."""
    x, y = max(0, (image.shape[2] - width) // 2), max(0, (image.shape[1] - height) // 2)
    return Image(crop(torch.as_tensor(image), width, height, x, y))


def somewhere(image: Tensor, width: int, height: int, seed: int) -> Image:
    """A part of each picture of a batch, at most as large as it is, each from another place."""
    random = torch.Generator().manual_seed(seed)
    rooms = (max(0, image.shape[2] - width), max(0, image.shape[1] - height))

    def part(one: Tensor) -> Tensor:
        x, y = (int(torch.randint(room + 1, (), generator=random)) for room in rooms)
        return crop(one, width, height, x, y)

    return Image(torch.cat([part(one) for one in torch.as_tensor(image)[:, None]]))


class Cells(NamedTuple):
    """How a grid is laid out: columns, the size of a cell and what lies between two, in pixels."""

    columns: int
    width: int
    height: int
    gap_px: int


def grid(images: Sequence[Tensor], cells: Cells) -> Image:
    """All pictures row by row on black, each brought to the size of a cell; RGB."""
    made = [
        torch.as_tensor(resized_image(image[..., :3], cells.width, cells.height, "lanczos"))
        for image in images
    ]
    pictures = torch.cat(made)
    rows = -(-len(pictures) // cells.columns)
    down, across = cells.height + cells.gap_px, cells.width + cells.gap_px
    page = pictures.new_zeros(rows * down - cells.gap_px, cells.columns * across - cells.gap_px, 3)
    for place, picture in enumerate(pictures):
        y, x = (place // cells.columns) * down, (place % cells.columns) * across
        page[y : y + cells.height, x : x + cells.width] = picture  # in place: made above
    return Image(page[None])


def batched(images: Sequence[Image]) -> Image:
    """All pictures in one batch, each at the size of the first, with as many channels as any has."""
    most = max(image.shape[-1] for image in images)
    first = Image(with_channels(torch.as_tensor(images[0]).movedim(-1, 1), most).movedim(1, -1))
    return Image(torch.cat([torch.as_tensor(matched(image, first)) for image in images]))


def rebatched(images: Sequence[Image], size: int) -> list[Image]:
    """The pictures of all batches, in batches of a size; a batch holds pictures of one size only."""
    found: list[list[Tensor]] = []
    for image in images:
        for one in torch.split(torch.as_tensor(image), 1):
            if not found or len(found[-1]) == size or found[-1][0].shape != one.shape:
                found.append([])
            found[-1].append(one)
    return [Image(torch.cat(batch)) for batch in found]


def padded_to(image: Image, width: int, height: int, color: Sequence[float], method: str) -> Image:
    """A picture made as large as fits into a size, with bars of a colour around its middle."""
    scale = min(width / image.shape[2], height / image.shape[1])
    wide, tall = max(1, int(image.shape[2] * scale)), max(1, int(image.shape[1] * scale))
    inner = resized_image(image, wide, tall, method)
    canvas = torch.as_tensor(plain((height, width), color, len(image)))
    canvas = with_channels(canvas.movedim(-1, 1), image.shape[-1]).movedim(1, -1).clone()
    top, left = (height - tall) // 2, (width - wide) // 2
    canvas[:, top : top + tall, left : left + wide] = inner  # in place: made above
    return Image(canvas)


def stitched(one: Image, other: Image, side: Side, same_size: bool, gap: Gap) -> Image:
    """Two pictures side by side; `same_size` scales the other to the touching side, else black fills up."""
    beside = side in ("right", "left")
    if same_size:
        other = scaled_to_side(other, one, beside)
    batch, channels = max(len(one), len(other)), max(one.shape[-1], other.shape[-1])
    pair = [
        with_channels(tiled(torch.as_tensor(image), batch).movedim(-1, 1), channels) for image in (one, other)
    ]
    across, along = (-2, -1) if beside else (-1, -2)
    length = max(planes.shape[across] for planes in pair)
    pair = [centred(planes, across, length) for planes in pair]
    if side in ("left", "up"):
        pair.reverse()
    if gap.px:
        shape = list(pair[0].shape)
        shape[along] = gap.px + gap.px % 2
        color = torch.tensor((*gap.color, 1.0)[:channels]).view(1, -1, 1, 1)
        pair.insert(1, color.expand(shape))
    return Image(torch.cat(pair, along).movedim(1, -1))


def scaled_to_side(image: Image, like: Image, beside: bool) -> Image:
    """A picture as tall as another if it comes beside it, else as wide; it keeps its aspect."""
    height, width = image.shape[1:3]
    if beside:
        return resized_image(image, max(1, int(like.shape[1] * width / height)), like.shape[1], "lanczos")
    return resized_image(image, like.shape[2], max(1, int(like.shape[2] * height / width)), "lanczos")


def centred(planes: Tensor, axis: int, length: int) -> Tensor:
    """Planes with black on both sides along an axis."""
    missing = length - planes.shape[axis]
    before = missing // 2
    sides = (before, missing - before)
    return pad(planes, sides if axis == -1 else (0, 0, *sides))
