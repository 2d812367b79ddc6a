"""Nodes that bring pictures and latents to another size."""

from dataclasses import replace
from typing import Annotated, Literal

from diffusion.library import ModelLibrary
from diffusion.resize import IMAGE_METHODS, LATENT_METHODS, fitting_size, resized, resized_image
from diffusion.upscale import Upscaler, upscaled
from diffusion.values import Image, Latent
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import FileIn, OneOf, Range

LEAST_PX = 64
"""The least width and height of an upscaled latent, in pixels."""


@node("ImageScale", category="image/upscaling", title="Upscale Image", outputs=("IMAGE",))
def image_scale(
    image: Image,
    upscale_method: Annotated[str, OneOf(IMAGE_METHODS)] = "nearest-exact",
    width: Annotated[int, Range(0, 16384, step=1)] = 512,
    height: Annotated[int, Range(0, 16384, step=1)] = 512,
    crop: Literal["disabled", "center"] = "disabled",
) -> Image:
    """Bring a picture to another size.

    Args:
        image: The picture.
        upscale_method: How colours between pixels are found.
        width: In pixels; 0 keeps the aspect.
        height: In pixels; 0 keeps the aspect.
        crop: Cut the middle out to the new aspect, instead of stretching.

    Returns:
        The resized picture.
    """
    if width == height == 0:
        return image
    wide, tall = fitting_size((image.shape[2], image.shape[1]), width, height)
    return resized_image(image, wide, tall, upscale_method, crop)


@node("ImageScaleBy", category="image/upscaling", title="Upscale Image By", outputs=("IMAGE",))
def image_scale_by(
    image: Image,
    upscale_method: Annotated[str, OneOf(IMAGE_METHODS)] = "nearest-exact",
    scale_by: Annotated[float, Range(0.01, 8.0, step=0.01)] = 1.0,
) -> Image:
    """Bring a picture to a multiple of its size.

    Args:
        image: The picture.
        upscale_method: How colours between pixels are found.
        scale_by: 2 doubles width and height.

    Returns:
        The resized picture.
    """
    height, width = (max(1, round(side * scale_by)) for side in image.shape[1:3])
    return resized_image(image, width, height, upscale_method)


@node("LatentUpscale", category="latent", title="Upscale Latent", outputs=("LATENT",))
def latent_upscale(
    samples: Latent,
    upscale_method: Annotated[str, OneOf(LATENT_METHODS)] = "nearest-exact",
    width: Annotated[int, Range(0, 16384, step=8)] = 512,
    height: Annotated[int, Range(0, 16384, step=8)] = 512,
    crop: Literal["disabled", "center"] = "disabled",
) -> Latent:
    """Bring a latent to another size.

    Args:
        samples: The latent.
        upscale_method: How values between cells are found.
        width: In pixels; 0 keeps the aspect.
        height: In pixels; 0 keeps the aspect.
        crop: Cut the middle out to the new aspect, instead of stretching.

    Returns:
        The resized latent.
    """
    if width == height == 0:
        return samples
    old_height, old_width = samples.samples.shape[-2:]
    wide, tall = fitting_size((old_width, old_height), width, height, LEAST_PX)
    return replace(samples, samples=resized(samples.samples, wide // 8, tall // 8, upscale_method, crop))


@node("LatentUpscaleBy", category="latent", title="Upscale Latent By", outputs=("LATENT",))
def latent_upscale_by(
    samples: Latent,
    upscale_method: Annotated[str, OneOf(LATENT_METHODS)] = "nearest-exact",
    scale_by: Annotated[float, Range(0.01, 8.0, step=0.01)] = 1.5,
) -> Latent:
    """Bring a latent to a multiple of its size.

    Args:
        samples: The latent.
        upscale_method: How values between cells are found.
        scale_by: 2 doubles width and height.

    Returns:
        The resized latent.
    """
    height, width = (max(1, round(side * scale_by)) for side in samples.samples.shape[-2:])
    return replace(samples, samples=resized(samples.samples, width, height, upscale_method))


@node("UpscaleModelLoader", category="loaders", title="Load Upscale Model", outputs=("UPSCALE_MODEL",))
def load_upscaler(model_name: Annotated[str, FileIn("upscale_models")], *, library: ModelLibrary) -> Upscaler:
    """Load a network that enlarges pictures.

    Args:
        model_name: The file, in the upscale_models folder.

    Returns:
        The upscaler.
    """
    return library.upscaler(model_name)


@node(
    "ImageUpscaleWithModel",
    category="image/upscaling",
    title="Upscale Image (using Model)",
    outputs=("IMAGE",),
)
def image_upscale_with_model(upscale_model: Upscaler, image: Image, *, progress: Progress = quiet) -> Image:
    """Enlarge a picture with a network made for it, by as much as the network was made for.

    Args:
        upscale_model: The network.
        image: The picture.

    Returns:
        The larger picture.
    """
    return upscaled(upscale_model, image, progress)
