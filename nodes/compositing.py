"""Nodes that put pictures, masks and latents on top of each other."""

from typing import Annotated

import torch

from diffusion import latents
from diffusion.composite import BLENDS, OPERATIONS, Place, blended, combined, pasted_image
from diffusion.noise import tiled
from diffusion.porter_duff import MODES, Layer, composite, opacity
from diffusion.values import Image, Latent, Mask
from graph.define import node
from graph.widgets import OneOf, Range

Offset = Annotated[int, Range(0, 16384, step=1)]
LatentOffset = Annotated[int, Range(0, 16384, step=8, cut_to=8)]
CELL_PX = 8


@node("ImageCompositeMasked", category="image", title="Image Composite Masked", outputs=("IMAGE",))
def image_composite_masked(
    destination: Image,
    source: Image,
    x: Offset = 0,
    y: Offset = 0,
    resize_source: bool = False,
    mask: Mask | None = None,
) -> Image:
    """Paste a picture onto another.

    Args:
        destination: The picture below.
        source: The picture that is pasted.
        x: Where its left side comes to lie.
        y: Where its upper side comes to lie.
        resize_source: Make it as large as the picture below first.
        mask: Which part of it is pasted.

    Returns:
        Both in one picture.
    """
    return pasted_image(destination, source, Place(x, y), resize_source, mask)


@node("ImageBlend", category="image/postprocessing", title="Image Blend", outputs=("IMAGE",))
def image_blend(
    image1: Image,
    image2: Image,
    blend_factor: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.5,
    blend_mode: Annotated[str, OneOf(BLENDS)] = "normal",
) -> Image:
    """Blend two pictures; the second takes the size of the first.

    Args:
        image1: The picture below.
        image2: The picture above.
        blend_factor: How much of the blend is to be seen; 0 is the first picture.
        blend_mode: How the colours mix.

    Returns:
        The blend.
    """
    return blended(image1, image2, blend_factor, blend_mode)


@node("JoinImageWithAlpha", category="mask/compositing", title="Join Image with Alpha", outputs=("IMAGE",))
def join_image_with_alpha(image: Image, alpha: Mask) -> Image:
    """Make a picture transparent where a mask is set.

    Args:
        image: The picture.
        alpha: Where nothing is to be seen.

    Returns:
        The picture with transparency.
    """
    count = max(len(image), len(alpha))
    pixels = tiled(torch.as_tensor(image)[..., :3], count)
    return Image(torch.cat((pixels, tiled(opacity(alpha, image), count)), -1))


@node(
    "SplitImageWithAlpha",
    category="mask/compositing",
    title="Split Image with Alpha",
    outputs=("IMAGE", "MASK"),
)
def split_image_with_alpha(image: Image) -> Layer:
    """Take the transparency out of a picture.

    Args:
        image: The picture.

    Returns:
        image: Its colours.
        mask: Where nothing is to be seen.
    """
    pixels = torch.as_tensor(image)
    hidden = 1 - pixels[..., 3] if pixels.shape[-1] > 3 else pixels.new_zeros(pixels.shape[:-1])
    return Layer(Image(pixels[..., :3]), Mask(hidden))


@node(
    "PorterDuffImageComposite",
    category="mask/compositing",
    title="Porter-Duff Image Composite",
    outputs=("IMAGE", "MASK"),
)
def porter_duff_image_composite(
    source: Image,
    source_alpha: Mask,
    destination: Image,
    destination_alpha: Mask,
    mode: Annotated[str, OneOf(MODES)] = "DST",
) -> Layer:
    """Put a transparent picture onto another.

    Args:
        source: The picture above.
        source_alpha: Where nothing of it is to be seen.
        destination: The picture below.
        destination_alpha: Where nothing of it is to be seen.
        mode: What of the two is to be seen.

    Returns:
        image: Both in one picture.
        mask: Where nothing is to be seen.
    """
    return composite(Layer(source, source_alpha), Layer(destination, destination_alpha), mode)


@node("MaskComposite", category="mask", title="Mask Composite", outputs=("MASK",))
def mask_composite(
    destination: Mask,
    source: Mask,
    x: Offset = 0,
    y: Offset = 0,
    operation: Annotated[str, OneOf(OPERATIONS)] = "multiply",
) -> Mask:
    """Set a mask against another.

    Args:
        destination: The mask below.
        source: The mask that is set against it.
        x: Where its left side comes to lie.
        y: Where its upper side comes to lie.
        operation: What becomes of the two.

    Returns:
        The combined mask.
    """
    return combined(destination, source, Place(x, y), operation)


@node("LatentComposite", category="latent", title="Latent Composite", outputs=("LATENT",))
def latent_composite(
    samples_to: Latent,
    samples_from: Latent,
    x: LatentOffset = 0,
    y: LatentOffset = 0,
    feather: LatentOffset = 0,
) -> Latent:
    """Paste a latent onto another.

    Args:
        samples_to: The latent below.
        samples_from: The latent that is pasted.
        x: Where its left side comes to lie, in pixels.
        y: Where its upper side comes to lie, in pixels.
        feather: Over how many pixels it fades at its sides.

    Returns:
        Both in one latent.
    """
    place = Place(x // CELL_PX, y // CELL_PX)
    return latents.composite(samples_to, samples_from, place, feather // CELL_PX)


@node("LatentCompositeMasked", category="latent", title="Latent Composite Masked", outputs=("LATENT",))
def latent_composite_masked(
    destination: Latent,
    source: Latent,
    x: LatentOffset = 0,
    y: LatentOffset = 0,
    resize_source: bool = False,
    mask: Mask | None = None,
) -> Latent:
    """Paste a latent onto another where a mask says.

    Args:
        destination: The latent below.
        source: The latent that is pasted.
        x: Where its left side comes to lie, in pixels.
        y: Where its upper side comes to lie, in pixels.
        resize_source: Make it as large as the latent below first.
        mask: Which part of it is pasted.

    Returns:
        Both in one latent.
    """
    place = Place(x // CELL_PX, y // CELL_PX)
    return latents.composite_masked(destination, source, place, resize_source, mask)
