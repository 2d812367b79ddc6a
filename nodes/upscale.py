"""Nodes that bring pictures and latents to another size."""

from dataclasses import replace
from typing import Annotated, Literal, NamedTuple, TypeAlias, TypeVar

import torch

from diffusion.inpaint import as_noise_mask
from diffusion.library import ModelLibrary
from diffusion.resize import (
    IMAGE_METHODS,
    LATENT_METHODS,
    Crop,
    fitting_size,
    for_kontext,
    resized,
    resized_image,
    size_of_pixels,
    with_longer_side,
    with_shorter_side,
)
from diffusion.upscale import Upscaler, upscaled
from diffusion.values import Image, Latent, Mask
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import FileIn, OneOf, Range, Variant

LEAST_PX = 64
"""The least width and height of an upscaled latent, in pixels."""
Length = Annotated[int, Range(0, 16384, step=1)]
Megapixels = Annotated[float, Range(0.01, 16.0, step=0.01)]
ImageOrMask = TypeVar("ImageOrMask", Image, Mask)


class NewSize(NamedTuple):
    """A width and height in pixels, and whether the middle is cut out to that aspect."""

    width: int
    height: int
    crop: Crop = "disabled"


class ByFactor(NamedTuple):
    """A multiple of the old size."""

    multiplier: Annotated[float, Range(0.01, 8.0, step=0.01)] = 1.0

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        width, height = (max(1, round(side * self.multiplier)) for side in old)
        return NewSize(width, height)


class ToDimensions(NamedTuple):
    """A width and a height; 0 follows from the other."""

    width: Length = 512
    height: Length = 512
    crop: Crop = "center"

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        return NewSize(*fitting_size(old, self.width, self.height), self.crop)


class ToLongerSide(NamedTuple):
    """The length of the longer side."""

    longer_size: Length = 512

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        return NewSize(*with_longer_side(old, self.longer_size))


class ToShorterSide(NamedTuple):
    """The length of the shorter side."""

    shorter_size: Length = 512

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        return NewSize(*with_shorter_side(old, self.shorter_size))


class ToWidth(NamedTuple):
    """A width."""

    width: Length = 512

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        return NewSize(*fitting_size(old, self.width, 0))


class ToHeight(NamedTuple):
    """A height."""

    height: Length = 512

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        return NewSize(*fitting_size(old, 0, self.height))


class ToPixels(NamedTuple):
    """A number of pixels."""

    megapixels: Megapixels = 1.0

    def size(self, old: tuple[int, int]) -> NewSize:
        """The new size for an old (width, height)."""
        return NewSize(*size_of_pixels(old, self.megapixels))


class ToMatch(NamedTuple):
    """The size of another picture or mask."""

    match: Image | Mask
    crop: Crop = "center"

    def size(self, old: tuple[int, int]) -> NewSize:  # noqa: ARG002
        """The new size, whatever the old one was."""
        height, width = self.match.shape[1:3]
        return NewSize(width, height, self.crop)


Target: TypeAlias = (
    ByFactor | ToDimensions | ToLongerSide | ToShorterSide | ToWidth | ToHeight | ToPixels | ToMatch
)
UNCHANGED = ByFactor()
TARGETS: dict[str, type] = {
    "scale by multiplier": ByFactor,
    "scale dimensions": ToDimensions,
    "scale longer dimension": ToLongerSide,
    "scale shorter dimension": ToShorterSide,
    "scale width": ToWidth,
    "scale height": ToHeight,
    "scale total pixels": ToPixels,
    "match size": ToMatch,
}


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


@node(
    "ImageScaleToTotalPixels",
    category="image/upscaling",
    title="Image Scale To Total Pixels",
    outputs=("IMAGE",),
)
def image_scale_to_total_pixels(
    image: Image,
    upscale_method: Annotated[str, OneOf(IMAGE_METHODS)] = "nearest-exact",
    megapixels: Megapixels = 1.0,
    resolution_steps: Annotated[int, Range(1, 256)] = 1,
) -> Image:
    """Bring a picture to a number of pixels; it keeps its aspect.

    Args:
        image: The picture.
        upscale_method: How colours between pixels are found.
        megapixels: How many times 1024 x 1024 pixels.
        resolution_steps: Width and height become multiples of this.

    Returns:
        The resized picture.
    """
    size = size_of_pixels((image.shape[2], image.shape[1]), megapixels, resolution_steps)
    return resized_image(image, *size, upscale_method)


@node(
    "ImageScaleToMaxDimension",
    category="image/upscaling",
    title="Image Scale To Max Dimension",
    outputs=("IMAGE",),
)
def image_scale_to_max_dimension(
    image: Image,
    upscale_method: Annotated[
        str, OneOf(("area", "lanczos", "bilinear", "nearest-exact", "bicubic"))
    ] = "area",
    largest_size: Length = 512,
) -> Image:
    """Bring the longer side of a picture to a length; it keeps its aspect.

    Args:
        image: The picture.
        upscale_method: How colours between pixels are found.
        largest_size: In pixels.

    Returns:
        The resized picture.
    """
    size = with_longer_side((image.shape[2], image.shape[1]), largest_size)
    return resized_image(image, *size, upscale_method)


@node(
    "FluxKontextImageScale",
    category="advanced/conditioning/flux",
    title="Flux Kontext Image Scale",
    outputs=("IMAGE",),
)
def flux_kontext_image_scale(image: Image) -> Image:
    """Bring a picture to a size that FLUX.1 Kontext was trained with.

    Args:
        image: The picture.

    Returns:
        The picture, cut to the nearest aspect.
    """
    return for_kontext(image)


@node("ResizeImageMaskNode", category="transform", title="Resize Image/Mask", outputs=("resized",))
def resize_image_mask(
    input: ImageOrMask,
    resize_type: Annotated[Target, Variant(TARGETS)] = UNCHANGED,
    scale_method: Annotated[str, OneOf(IMAGE_METHODS)] = "area",
) -> ImageOrMask:
    """Bring a picture or a mask to another size.

    Args:
        input: The picture or mask.
        resize_type: How the size is told.
        scale_method: How values between pixels are found.

    Returns:
        The resized picture or mask.
    """
    width, height, crop = resize_type.size((input.shape[2], input.shape[1]))
    is_image = input.ndim == 4
    planes = torch.as_tensor(input).movedim(-1, 1) if is_image else as_noise_mask(input)
    made = resized(planes, width, height, scale_method, crop)
    return type(input)(made.movedim(1, -1) if is_image else made[:, 0])


@node("LatentUpscale", category="latent", title="Upscale Latent", outputs=("LATENT",))
def latent_upscale(
    samples: Latent,
    upscale_method: Annotated[str, OneOf(LATENT_METHODS)] = "nearest-exact",
    width: Annotated[int, Range(0, 16384, step=8, cut_to=8)] = 512,
    height: Annotated[int, Range(0, 16384, step=8, cut_to=8)] = 512,
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
