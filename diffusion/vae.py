"""Between pictures and latents: encode, decode, and both in tiles where memory is short."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from diffusion.errors import DiffusionError, FamilyMismatch, OutOfMemory
from diffusion.memory import lacks_memory
from diffusion.model import Vae, checked, quiet
from diffusion.values import Image, Latent

TILE, OVERLAP = 64, 8
"""Size and overlap of tiles in latent cells, where a whole picture does not fit."""
MOST_CELLS = 4 * 128 * 128
"""Latent cells decoded at once; a larger batch is done in parts."""


def encode(vae: Vae, image: Image, check: Callable[[], None] = quiet) -> Latent:
    """The latent of a picture, cut around its middle to whole latent cells.

    The mean is taken, nothing is drawn.
    """
    pixels = cropped(torch.as_tensor(image)[..., :3], vae.downscale).movedim(-1, 1) * 2 - 1

    def run(module: nn.Module, part: Tensor) -> Tensor:
        moments: Tensor = module.get_submodule("quant_conv")(module.get_submodule("encoder")(part))
        return moments[:, : vae.channels]

    return Latent(through(vae, run, pixels, vae.downscale, check))


def decode(vae: Vae, latent: Latent, check: Callable[[], None] = quiet) -> Image:
    """The picture of a latent."""

    def run(module: nn.Module, part: Tensor) -> Tensor:
        decoded: Tensor = module.get_submodule("decoder")(module.get_submodule("post_quant_conv")(part))
        return decoded

    if latent.samples.shape[1] != vae.channels:
        raise FamilyMismatch(
            f"This latent has {latent.samples.shape[1]} channels, but the VAE reads {vae.channels}.",
            "Connect the VAE from the same Load Checkpoint as the model.",
        )
    pixels = through(vae, run, latent.samples, 1, check)
    return Image(((pixels + 1) / 2).clamp(0, 1).movedim(1, -1).contiguous())


Run = Callable[[nn.Module, Tensor], Tensor]


def through(vae: Vae, run: Run, whole: Tensor, pixels_per_cell: int, check: Callable[[], None]) -> Tensor:
    """Run a batch through the network in parts that fit; in tiles where even one picture does not.

    `pixels_per_cell`: how many units of `whole` one latent cell takes, 1 where it is a latent.
    """
    cells = whole.shape[-1] * whole.shape[-2] // pixels_per_cell**2
    with vae.network.resident() as module, checked(module, check):
        place = next(module.parameters())

        def on_device(part: Tensor) -> Tensor:
            return run(module, part.to(place.device, place.dtype)).float().cpu()

        parts: list[Tensor] = []
        for part in torch.split(whole, max(1, MOST_CELLS // max(1, cells))):
            try:
                parts.append(on_device(part))
            except (RuntimeError, MemoryError) as error:
                if not lacks_memory(error):
                    raise
                ratio = vae.downscale if pixels_per_cell == 1 else 1 / vae.downscale
                sizes = TILE * pixels_per_cell, OVERLAP * pixels_per_cell
                parts.extend(in_tiles(on_device, picture, *sizes, ratio) for picture in torch.split(part, 1))
    return torch.cat(parts)


def in_tiles(run: Callable[[Tensor], Tensor], whole: Tensor, tile: int, overlap: int, ratio: float) -> Tensor:
    """The mean of three passes whose tiles differ in aspect, so that seams do not coincide."""
    try:
        passes = [
            one_pass(run, whole, size, overlap, ratio)
            for size in ((tile * 2, tile // 2), (tile // 2, tile * 2), (tile, tile))
        ]
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        raise OutOfMemory(
            f"There is no room for a picture of {whole.shape[-1]} x {whole.shape[-2]}, even in parts.",
            "Close other programs, or lower the width and height.",
        ) from error
    return torch.stack(passes).mean(0)


def one_pass(
    run: Callable[[Tensor], Tensor], whole: Tensor, size: tuple[int, int], overlap: int, ratio: float
) -> Tensor:
    """One pass of overlapping tiles, (height, width), each faded out towards its edges."""
    height, width = whole.shape[-2:]
    total = weights = torch.zeros(())
    for top in starts(height, size[0], overlap):
        for left in starts(width, size[1], overlap):
            answer = run(whole[..., top : top + size[0], left : left + size[1]])
            if total.ndim == 0:
                total = answer.new_zeros(*answer.shape[:2], round(height * ratio), round(width * ratio))
                weights = torch.zeros_like(total)
            fade = faded(answer.shape[-2:], round(overlap * ratio)).to(answer)
            y, x = round(top * ratio), round(left * ratio)
            box = (..., slice(y, y + answer.shape[-2]), slice(x, x + answer.shape[-1]))
            total[box] += answer * fade  # in place: made above
            weights[box] += fade
    return total / weights


def starts(length: int, tile: int, overlap: int) -> Iterator[int]:
    """Where tiles begin along one side."""
    if length <= tile:
        yield 0
        return
    for place in range(0, length - overlap, tile - overlap):
        yield max(0, min(length - overlap, place))


def faded(shape: torch.Size, feather: int) -> Tensor:
    """Weights of one tile: 1 inside, falling towards each edge over `feather` cells."""
    sides = []
    for length in shape:
        ramp = (torch.arange(length) + 1).clamp(max=max(1, feather)) / max(1, feather)
        sides.append(torch.minimum(ramp, ramp.flip(0)))
    return sides[0][:, None] * sides[1][None, :]


def cropped(image: Tensor, multiple: int) -> Tensor:
    """The middle of an image batch [batch, height, width, channel] whose sides are multiples of a number."""
    height, width = image.shape[1:3]
    if height < multiple or width < multiple:
        raise DiffusionError(
            f"The picture is {width} x {height} pixels, but at least {multiple} x {multiple} are needed.",
            "Use a larger picture, or scale it up first.",
        )
    top, left = height % multiple // 2, width % multiple // 2
    return image[:, top : top + height // multiple * multiple, left : left + width // multiple * multiple]
