"""Nodes between pictures and latents."""

from typing import Annotated

from diffusion.model import Vae
from diffusion.vae import decode, encode, encoding_tiles_px, tiles_px
from diffusion.values import Image, Latent
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import Range

Overlap = Annotated[int, Range(0, 4096, step=32)]
Frames = Annotated[int, Range(8, 4096, step=4)]
SharedFrames = Annotated[int, Range(4, 4096, step=4)]


@node("VAEDecode", category="latent", title="VAE Decode", outputs=("IMAGE",))
def vae_decode(samples: Latent, vae: Vae, *, progress: Progress = quiet) -> Image:
    """Turn a latent into a picture.

    Args:
        samples: The latent.
        vae: The VAE of the model the latent comes from.

    Returns:
        The picture.
    """
    return decode(vae, samples, check=lambda: progress(0, 1))


@node("VAEEncode", category="latent", title="VAE Encode", outputs=("LATENT",))
def vae_encode(pixels: Image, vae: Vae, *, progress: Progress = quiet) -> Latent:
    """Turn a picture into a latent, to change it with a diffusion model.

    Args:
        pixels: The picture; its sides are cut to multiples of 8.
        vae: The VAE of the model that will change it.

    Returns:
        The latent.
    """
    return encode(vae, pixels, check=lambda: progress(0, 1))


@node("VAEDecodeTiled", category="_for_testing", title="VAE Decode (Tiled)", outputs=("IMAGE",))
def vae_decode_tiled(
    samples: Latent,
    vae: Vae,
    tile_size: Annotated[int, Range(64, 4096, step=32)] = 512,
    overlap: Overlap = 64,
    temporal_size: Frames = 64,  # noqa: ARG001  only a VAE for video reads it
    temporal_overlap: SharedFrames = 8,  # noqa: ARG001
    *,
    progress: Progress = quiet,
) -> Image:
    """Turn a latent into a picture in tiles, which needs less memory.

    Args:
        samples: The latent.
        vae: The VAE of the model the latent comes from.
        tile_size: The side of a tile in pixels.
        overlap: By how many pixels neighbouring tiles overlap, at most a quarter of the tile.
        temporal_size: For video: how many frames are decoded at once.
        temporal_overlap: For video: how many frames neighbouring parts share.

    Returns:
        The picture.
    """
    return decode(vae, samples, lambda: progress(0, 1), tiles_px(vae, tile_size, overlap))


@node("VAEEncodeTiled", category="_for_testing", title="VAE Encode (Tiled)", outputs=("LATENT",))
def vae_encode_tiled(
    pixels: Image,
    vae: Vae,
    tile_size: Annotated[int, Range(64, 4096, step=64)] = 512,
    overlap: Overlap = 64,
    temporal_size: Frames = 64,  # noqa: ARG001  only a VAE for video reads it
    temporal_overlap: SharedFrames = 8,  # noqa: ARG001
    *,
    progress: Progress = quiet,
) -> Latent:
    """Turn a picture into a latent in tiles, which needs less memory.

    Args:
        pixels: The picture; its sides are cut to multiples of 8.
        vae: The VAE of the model that will change it.
        tile_size: The side of a tile in pixels.
        overlap: By how many pixels neighbouring tiles overlap; less than half a tile.
        temporal_size: For video: how many frames are encoded at once.
        temporal_overlap: For video: how many frames neighbouring parts share.

    Returns:
        The latent.
    """
    return encode(vae, pixels, lambda: progress(0, 1), encoding_tiles_px(vae, tile_size, overlap))
