"""Nodes that blur, sharpen and otherwise change a picture's pixels."""

from typing import Annotated, NamedTuple

from diffusion.filters import (
    MORPHOLOGY,
    Dither,
    blurred,
    from_yuv,
    grained,
    quantized,
    reshaped,
    sharpened,
    to_yuv,
)
from diffusion.values import Image
from graph.define import node
from graph.widgets import OneOf, Range, Seed

Radius = Annotated[int, Range(1, 31, step=1)]


class Yuv(NamedTuple):
    """Brightness and two directions of colour, each as a grey picture."""

    luma: Image
    towards_blue: Image
    towards_red: Image


@node("ImageBlur", category="image/postprocessing", title="Image Blur", outputs=("IMAGE",))
def image_blur(
    image: Image, blur_radius: Radius = 1, sigma: Annotated[float, Range(0.1, 10.0, step=0.1)] = 1.0
) -> Image:
    """Soften a picture.

    Args:
        image: The picture.
        blur_radius: Over how many pixels around each.
        sigma: How evenly these count; a small number favours the middle.

    Returns:
        The softened picture.
    """
    return blurred(image, blur_radius, sigma)


@node("ImageSharpen", category="image/postprocessing", title="Image Sharpen", outputs=("IMAGE",))
def image_sharpen(
    image: Image,
    sharpen_radius: Radius = 1,
    sigma: Annotated[float, Range(0.1, 10.0, step=0.01)] = 1.0,
    alpha: Annotated[float, Range(0.0, 5.0, step=0.01)] = 1.0,
) -> Image:
    """Bring out the edges of a picture.

    Args:
        image: The picture.
        sharpen_radius: How wide edges are, in pixels.
        sigma: How evenly the pixels around each count.
        alpha: How strongly.

    Returns:
        The sharpened picture.
    """
    return sharpened(image, sharpen_radius, sigma, alpha)


@node("ImageQuantize", category="image/postprocessing", title="Image Quantize", outputs=("IMAGE",))
def image_quantize(
    image: Image, colors: Annotated[int, Range(1, 256, step=1)] = 256, dither: Dither = "none"
) -> Image:
    """Draw a picture with few colours.

    Args:
        image: The picture.
        colors: How many.
        dither: How colours between them are told: by scattered pixels, or by a regular pattern.

    Returns:
        The picture with few colours.
    """
    return quantized(image, colors, dither)


@node("Morphology", category="image/postprocessing", title="Image Morphology", outputs=("IMAGE",))
def image_morphology(
    image: Image,
    operation: Annotated[str, OneOf(MORPHOLOGY)] = "erode",
    kernel_size: Annotated[int, Range(3, 999, step=1)] = 3,
) -> Image:
    """Grow or wear away what is bright in a picture.

    Args:
        image: The picture.
        operation: Erode wears away, dilate grows; open and close do both, hats show what these change.
        kernel_size: The side of the square that is looked at, in pixels.

    Returns:
        The changed picture.
    """
    return reshaped(image, operation, kernel_size)


@node("ImageAddNoise", category="image", title="Image Add Noise", outputs=("IMAGE",))
def image_add_noise(
    image: Image, seed: Seed = 0, strength: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.5
) -> Image:
    """Put grain on a picture.

    Args:
        image: The picture.
        seed: Which grain.
        strength: How much.

    Returns:
        The picture with grain.
    """
    return grained(image, seed, strength)


@node("ImageRGBToYUV", category="image/batch", title="Image RGB To YUV", outputs=("Y", "U", "V"))
def image_rgb_to_yuv(image: Image) -> Yuv:
    """Take brightness and colour of a picture apart.

    Args:
        image: The picture.

    Returns:
        luma: How bright it is.
        towards_blue: How blue it is.
        towards_red: How red it is.
    """
    return Yuv(*to_yuv(image))


@node("ImageYUVToRGB", category="image/batch", title="Image YUV To RGB", outputs=("IMAGE",))
def image_yuv_to_rgb(Y: Image, U: Image, V: Image) -> Image:
    """Put brightness and colour of a picture together.

    Args:
        Y: How bright it is.
        U: How blue it is.
        V: How red it is.

    Returns:
        The picture.
    """
    return from_yuv(Y, U, V)
