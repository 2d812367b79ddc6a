"""Nodes that show an object from another side (Zero123)."""

from typing import Annotated, NamedTuple

import torch

from diffusion.clip_vision import ClipVision
from diffusion.library import ModelLibrary
from diffusion.model import Model, Vae
from diffusion.values import Conditioning, Image, Latent
from diffusion.zero123 import Orbit, views
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import FileIn, Range

Side = Annotated[int, Range(16, 16384, step=8, cut_to=8)]
Degrees = Annotated[float, Range(-180.0, 180.0, step=0.1)]


class ImageOnlyCheckpoint(NamedTuple):
    """The three values of a checkpoint that reads pictures and no text."""

    model: Model
    image_encoder: ClipVision
    vae: Vae


class Turned(NamedTuple):
    """Conditionings that turn an object in a picture, and an empty latent."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


@node(
    "ImageOnlyCheckpointLoader",
    category="loaders/video_models",
    title="Image Only Checkpoint Loader (img2vid model)",
    outputs=("MODEL", "CLIP_VISION", "VAE"),
)
def load_image_only_checkpoint(
    ckpt_name: Annotated[str, FileIn("checkpoints")], *, library: ModelLibrary
) -> ImageOnlyCheckpoint:
    """Load a diffusion model that reads pictures instead of text, with its encoder of images and its VAE.

    Args:
        ckpt_name: The file, in the checkpoints folder.
    """
    model, _text_encoder, vae = library.checkpoint(ckpt_name)
    return ImageOnlyCheckpoint(model, library.checkpoint_vision(ckpt_name), vae)


@node(
    "StableZero123_Conditioning",
    category="conditioning/3d_models",
    title="StableZero123_Conditioning",
    outputs=("positive", "negative", "latent"),
)
def show_from_side(
    clip_vision: ClipVision,
    init_image: Image,
    vae: Vae,
    width: Side = 256,
    height: Side = 256,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
    elevation: Degrees = 0.0,
    azimuth: Degrees = 0.0,
    *,
    progress: Progress = quiet,
) -> Turned:
    """Ask a Zero123 model to show the object in a picture from another side.

    Args:
        clip_vision: The model's image encoder.
        init_image: The object, seen from the side, in the middle of a white picture.
        vae: The VAE of the model.
        width: In pixels, in multiples of 8. The models are made for 256.
        height: In pixels, in multiples of 8.
        batch_size: How many pictures to make at once.
        elevation: How far above the picture's camera the new one is, in degrees.
        azimuth: How far it goes around the object, in degrees.
    """
    cameras = Orbit(elevation, azimuth).cameras(1)
    given = views(clip_vision, vae, init_image, (width, height), cameras, lambda: progress(0, 1))
    return Turned(*given, _empty(width, height, batch_size))


@node(
    "StableZero123_Conditioning_Batched",
    category="conditioning/3d_models",
    title="StableZero123_Conditioning_Batched",
    outputs=("positive", "negative", "latent"),
)
def show_from_sides(
    clip_vision: ClipVision,
    init_image: Image,
    vae: Vae,
    width: Side = 256,
    height: Side = 256,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
    elevation: Degrees = 0.0,
    azimuth: Degrees = 0.0,
    elevation_batch_increment: Degrees = 0.0,
    azimuth_batch_increment: Degrees = 0.0,
    *,
    progress: Progress = quiet,
) -> Turned:
    """Ask a Zero123 model to show the object in a picture from several sides at once.

    Args:
        clip_vision: The model's image encoder.
        init_image: The object, seen from the side, in the middle of a white picture.
        vae: The VAE of the model.
        width: In pixels, in multiples of 8. The models are made for 256.
        height: In pixels, in multiples of 8.
        batch_size: From how many sides to show it.
        elevation: How far above the picture's camera the first one is, in degrees.
        azimuth: How far the first one goes around the object, in degrees.
        elevation_batch_increment: How much higher each camera is than the one before.
        azimuth_batch_increment: How much further around each camera is than the one before.
    """
    orbit = Orbit(elevation, azimuth, elevation_batch_increment, azimuth_batch_increment)
    cameras = orbit.cameras(batch_size)
    given = views(clip_vision, vae, init_image, (width, height), cameras, lambda: progress(0, 1))
    return Turned(*given, _empty(width, height, batch_size))


def _empty(width: int, height: int, count: int) -> Latent:
    return Latent(torch.zeros(count, 4, height // 8, width // 8))
