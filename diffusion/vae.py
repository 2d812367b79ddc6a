"""Between pictures and latents: encode, decode, and both in tiles where memory is short."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.memory import lacks_memory
from diffusion.model import Vae, blocks, checked, quiet
from diffusion.tiles import Tiles, three_passes
from diffusion.values import Image, Latent

TILES = Tiles(64, 8)
"""In latent cells, where a whole picture does not fit."""
MOST_CELLS = 4 * 128 * 128
"""Latent cells decoded at once; a larger batch is done in parts."""


def encode(vae: Vae, image: Image, check: Callable[[], None] = quiet, tiles: Tiles | None = None) -> Latent:
    """The latent of a picture, cut around its middle to whole latent cells.

    The mean is taken, nothing is drawn. `tiles`, in latent cells: work in tiles although there is room.
    """
    pixels = cropped(torch.as_tensor(image)[..., :3], vae.downscale).movedim(-1, 1) * 2 - 1

    def run(module: nn.Module, part: Tensor) -> Tensor:
        moments: Tensor = module.get_submodule("encoder")(part)
        return optional(module, "quant_conv", moments)[:, : vae.channels]

    encoder = replace(vae, network=vae.encoder or vae.network)
    made = through(encoder, run, pixels, check, tiles, vae.downscale)
    return Latent(vae.space.out(made) if vae.space else made)


def decode(vae: Vae, latent: Latent, check: Callable[[], None] = quiet, tiles: Tiles | None = None) -> Image:
    """The picture of a latent. `tiles`, in latent cells: work in tiles although there is room."""

    def run(module: nn.Module, part: Tensor) -> Tensor:
        decoded: Tensor = module.get_submodule("decoder")(optional(module, "post_quant_conv", part))
        return decoded

    if latent.samples.shape[1] != vae.channels:
        raise FamilyMismatch(
            f"This latent has {latent.samples.shape[1]} channels, but the VAE reads {vae.channels}.",
            "Connect the VAE from the same Load Checkpoint as the model.",
        )
    samples = vae.space.into(latent.samples) if vae.space else latent.samples
    pixels = through(vae, run, samples, check, tiles)
    return Image(((pixels + 1) / 2).clamp(0, 1).movedim(1, -1).contiguous())


def optional(module: nn.Module, name: str, part: Tensor) -> Tensor:
    """What a part of the network makes of a tensor; the tensor itself if the network has no such part."""
    found = getattr(module, name, None)
    made: Tensor = part if found is None else found(part)
    return made


Run = Callable[[nn.Module, Tensor], Tensor]


def through(
    vae: Vae, run: Run, whole: Tensor, check: Callable[[], None], tiles: Tiles | None, per_cell: int = 1
) -> Tensor:
    """Run a batch through the network in parts that fit; in tiles if asked, or if one picture does not fit.

    `per_cell`: how many units of `whole` one latent cell takes, 1 where it is a latent.
    """
    cells = whole.shape[-1] * whole.shape[-2] // per_cell**2
    with vae.network.resident() as module, checked(blocks(module), check):
        place = next(module.parameters())

        def on_device(part: Tensor) -> Tensor:
            return run(module, part.to(place.device, place.dtype)).float().cpu()

        def in_tiles(part: Tensor, tiles: Tiles = TILES) -> list[Tensor]:
            ratio = vae.downscale if per_cell == 1 else 1 / vae.downscale
            fitted = tiles.times(per_cell)
            return [three_passes(on_device, picture, fitted, ratio) for picture in torch.split(part, 1)]

        if tiles or not vae.network.memory.has_room(cells * bytes_per_cell(vae, module)):
            return torch.cat(in_tiles(whole, tiles or TILES))
        parts: list[Tensor] = []
        for part in torch.split(whole, max(1, MOST_CELLS // max(1, cells))):
            try:
                parts.append(on_device(part))
            except (RuntimeError, MemoryError) as error:
                if not lacks_memory(error):
                    raise
                parts.extend(in_tiles(part))
    return torch.cat(parts)


def bytes_per_cell(vae: Vae, module: nn.Module) -> int:
    """About how much memory the network needs for each latent cell while it works."""
    widest = max(weight.shape[0] for weight in module.parameters() if weight.ndim == 4)
    return vae.buffers * widest * vae.downscale**2 * next(module.parameters()).dtype.itemsize


def tiles_px(vae: Vae, size: int, overlap: int) -> Tiles:
    """Tiles told in pixels, in latent cells, for decoding. The overlap is at most a quarter of the size."""
    if size < overlap * 4:
        overlap = size // 4
    return Tiles(max(2, size // vae.downscale), overlap // vae.downscale)


def encoding_tiles_px(vae: Vae, size: int, overlap: int) -> Tiles:
    """Tiles told in pixels, in latent cells, for encoding.

    Raises DiffusionError unless half a tile is more than the overlap.
    """
    if size <= 2 * overlap:
        raise DiffusionError(
            f"Tiles of {size} pixels cannot overlap by {overlap}: some are half as wide.",
            "Use larger tiles or a smaller overlap.",
        )
    return Tiles(size // vae.downscale, overlap // vae.downscale)


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
