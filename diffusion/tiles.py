"""Running a network over a picture in overlapping tiles, where the whole does not fit into memory."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from diffusion.errors import OutOfMemory
from diffusion.memory import lacks_memory

Run: TypeAlias = Callable[[Tensor], Tensor]
"""From planes [batch, channel, height, width] to planes whose sides are `ratio` times as long."""


class Tiles(NamedTuple):
    """Size and overlap of tiles, in cells of what is cut up."""

    size: int
    overlap: int

    def times(self, factor: int) -> "Tiles":
        """The same tiles in smaller cells."""
        return Tiles(self.size * factor, self.overlap * factor)


def three_passes(run: Run, whole: Tensor, tiles: Tiles, ratio: float) -> Tensor:
    """The mean of three passes whose tiles differ in aspect, so that seams do not coincide."""
    size, overlap = tiles
    try:
        passes = [
            one_pass(run, whole, shape, overlap, ratio)
            for shape in ((size * 2, size // 2), (size // 2, size * 2), (size, size))
        ]
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        raise no_room(whole, max(1, round(ratio))) from error
    return torch.stack(passes).mean(0)


def no_room(whole: Tensor, cell_px: int = 1) -> OutOfMemory:
    """The error for a picture or latent that does not even fit in tiles. cell_px: the side of its cells."""
    height, width = (side * cell_px for side in whole.shape[-2:])
    return OutOfMemory(
        f"There is no room for a picture of {width} x {height} pixels, even in parts.",
        "Close other programs, or lower the width and height.",
    )


def one_pass(run: Run, whole: Tensor, size: tuple[int, int], overlap: int, ratio: float) -> Tensor:
    """One pass of overlapping tiles, (height, width), each faded out towards its edges."""
    height, width = whole.shape[-2:]
    total = weights = torch.zeros(())
    for top, left in corners(whole, size, overlap):
        answer = run(whole[..., top : top + size[0], left : left + size[1]])
        if total.ndim == 0:
            total = answer.new_zeros(*answer.shape[:2], round(height * ratio), round(width * ratio))
            weights = torch.zeros_like(total[:1, :1])
        fade = faded(answer.shape[-2:], round(overlap * ratio)).to(answer)
        y, x = round(top * ratio), round(left * ratio)
        box = (..., slice(y, y + answer.shape[-2]), slice(x, x + answer.shape[-1]))
        total[box] += answer * fade  # in place: made above
        weights[box] += fade
    return total / weights


def corners(whole: Tensor, size: tuple[int, int], overlap: int) -> list[tuple[int, int]]:
    """The upper left corner of each tile."""
    height, width = whole.shape[-2:]
    lefts = list(starts(width, size[1], overlap))
    return [(top, left) for top in starts(height, size[0], overlap) for left in lefts]


def starts(length: int, tile: int, overlap: int) -> Iterator[int]:
    """Where tiles begin along one side; the last may be shorter."""
    if length <= tile:
        yield 0
    else:
        yield from range(0, length - overlap, tile - overlap)


def faded(shape: torch.Size, feather: int) -> Tensor:
    """Weights of one tile: 1 inside, falling towards each edge over `feather` cells."""
    rows, columns = (ramp(length, feather) * ramp(length, feather).flip(0) for length in shape)
    return rows[:, None] * columns[None, :]


def ramp(length: int, fade: int) -> Tensor:
    """Rises in `fade` equal steps to 1, and stays there."""
    return ((torch.arange(length) + 1) / fade).clamp(max=1) if fade else torch.ones(length)
