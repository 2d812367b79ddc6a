"""Enlarging pictures with a network made for it, in tiles."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from diffusion.checkpoint import WeightFile
from diffusion.enlarger import Enlarger, enlarger_part
from diffusion.memory import Handle, Memory, lacks_memory
from diffusion.model import checked
from diffusion.tiles import corners, no_room, one_pass
from diffusion.values import Image

TILE_PX, OVERLAP_PX = 512, 32
"""Size and overlap of tiles in pixels of the input; where memory is short, the size is halved."""
LEAST_TILE_PX = 128
BUFFERS = 4
"""About how many planes of all enlarged pixels exist at once for each channel of the network."""


class Watch(Protocol):
    """Told how many tiles are done, and between the network's blocks; whatever it raises ends the work."""

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` tiles are finished."""


def unwatched(done: int, total: int) -> None:
    """A watch that tells nobody."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Upscaler:
    """A network that makes pictures larger, or cleaner at the same size."""

    network: Handle
    socket: ClassVar[str] = "UPSCALE_MODEL"


def open_upscaler(file: WeightFile, memory: Memory) -> Upscaler:
    """The upscaler in a file. Raises UnknownCheckpoint if it is of no known kind."""
    return Upscaler(Handle(enlarger_part(file), file, memory))


def upscaled(upscaler: Upscaler, image: Image, watch: Watch = unwatched) -> Image:
    """A picture as the network makes it; transparency is left out.

    Raises OutOfMemory if not even small tiles fit.
    """
    planes = torch.as_tensor(image).movedim(-1, 1)[:, :3]
    planes = planes.expand(-1, 3, -1, -1)  # a grey picture has one channel
    with upscaler.network.resident() as module:
        assert isinstance(module, Enlarger)
        tile = first_tile(module, upscaler.network.memory)
        while True:
            try:
                large = in_tiles(module, planes, tile, watch)
            except (RuntimeError, MemoryError) as error:
                if not lacks_memory(error):
                    raise
                if tile <= LEAST_TILE_PX:
                    raise no_room(planes) from error
                tile //= 2
            else:
                return Image(large.clamp(0, 1).movedim(1, -1).contiguous())


def first_tile(module: Enlarger, memory: Memory) -> int:
    """The largest size of tiles that should fit."""
    widest = max(weight.shape[0] for weight in module.parameters())
    per_pixel = BUFFERS * widest * module.scale**2 * next(module.parameters()).dtype.itemsize
    tile = TILE_PX
    while tile > LEAST_TILE_PX and not memory.has_room(tile**2 * per_pixel):
        tile //= 2
    return tile


def in_tiles(module: Enlarger, planes: Tensor, tile: int, watch: Watch) -> Tensor:
    """Enlarge picture after picture, tile after tile."""
    place = next(module.parameters())
    total = len(planes) * len(corners(planes, (tile, tile), OVERLAP_PX))
    done = 0

    def run(part: Tensor) -> Tensor:
        nonlocal done
        large: Tensor = module(part.to(place.device, place.dtype)).float().cpu()
        done += 1
        watch(done, total)
        return large

    layers = (part for part in module.modules() if part._parameters)
    with checked(layers, lambda: watch(done, total)):
        passes = [
            one_pass(run, picture, (tile, tile), OVERLAP_PX, module.scale)
            for picture in torch.split(planes, 1)
        ]
    return torch.cat(passes)
