"""Nodes that load, make and change masks."""

from typing import Annotated, Literal

import torch

from diffusion.arrange import crop
from diffusion.images import Channel, read_channel, shown_mask, with_color
from diffusion.inpaint import as_noise_mask, feathered, grown, mask_for
from diffusion.values import Image, Mask
from graph.define import node
from graph.services import Inputs
from graph.widgets import FileIn, Range, Row

Side = Annotated[int, Range(0, 16384, step=1)]
Length = Annotated[int, Range(1, 16384, step=1)]
PLANES = ("red", "green", "blue", "alpha")


@node("LoadImageMask", category="mask", title="Load Image (as Mask)", outputs=("MASK",))
def load_image_mask(
    image: Annotated[str, FileIn("input", upload=True)],
    channel: Channel = "alpha",
    *,
    inputs: Inputs,
) -> Mask:
    """Read one channel of a picture as a mask.

    Args:
        image: The picture's file.
        channel: Alpha selects what is transparent; a colour selects what is bright in it.

    Returns:
        The mask.
    """
    return read_channel(inputs.path(image), channel)


@node("InvertMask", category="mask", title="Invert Mask", outputs=("MASK",))
def invert_mask(mask: Mask) -> Mask:
    """Select what was not selected.

    Args:
        mask: The mask.

    Returns:
        The inverted mask.
    """
    return Mask(1 - mask)


@node("GrowMask", category="mask", title="Grow Mask", outputs=("MASK",))
def grow_mask(
    mask: Mask,
    expand: Annotated[int, Range(-16384, 16384, step=1)] = 0,
    tapered_corners: bool = True,
) -> Mask:
    """Widen a mask, or narrow it.

    Args:
        mask: The mask.
        expand: How many pixels; less than 0 narrows.
        tapered_corners: Grow in a diamond, not in a square.

    Returns:
        The grown mask.
    """
    return grown(mask, expand, tapered_corners)


@node("FeatherMask", category="mask", title="Feather Mask", outputs=("MASK",))
def feather_mask(mask: Mask, left: Side = 0, top: Side = 0, right: Side = 0, bottom: Side = 0) -> Mask:
    """Let a mask fade out towards its borders.

    Args:
        mask: The mask.
        left: Over how many pixels on the left.
        top: Over how many pixels at the top.
        right: Over how many pixels on the right.
        bottom: Over how many pixels at the bottom.

    Returns:
        The feathered mask.
    """
    return feathered(mask, left, top, right, bottom)


@node("MaskToImage", category="mask", title="Convert Mask to Image", outputs=("IMAGE",))
def mask_to_image(mask: Mask) -> Image:
    """Show a mask as a grey picture.

    Args:
        mask: The mask.

    Returns:
        The picture.
    """
    return shown_mask(mask)


@node("ImageToMask", category="mask", title="Convert Image to Mask", outputs=("MASK",))
def image_to_mask(image: Image, channel: Literal["red", "green", "blue", "alpha"] = "red") -> Mask:
    """Take one channel of a picture as a mask.

    Args:
        image: The picture.
        channel: Which one; a picture without alpha is taken to be opaque.

    Returns:
        The mask.
    """
    index = PLANES.index(channel)
    if index >= image.shape[-1]:
        return Mask(torch.ones(image.shape[:-1]))
    return Mask(image[..., index])


@node("ImageColorToMask", category="mask", title="Image Color To Mask", outputs=("MASK",))
def image_color_to_mask(image: Image, color: Annotated[int, Range(0, 0xFFFFFF, step=1)] = 0) -> Mask:
    """Select what has just one colour in a picture.

    Args:
        image: The picture.
        color: Red, green and blue, each 0 to 255, as one number.

    Returns:
        The mask.
    """
    return with_color(image, color)


@node("SolidMask", category="mask", title="Solid Mask", outputs=("MASK",))
def solid_mask(
    value: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0, width: Length = 512, height: Length = 512
) -> Mask:
    """Make a mask that is the same everywhere.

    Args:
        value: How much is selected, 0 to 1.
        width: In pixels.
        height: In pixels.

    Returns:
        The mask.
    """
    return Mask(torch.full((1, height, width), value))


@node("CropMask", category="mask", title="Crop Mask", outputs=("MASK",))
def crop_mask(mask: Mask, x: Side = 0, y: Side = 0, width: Length = 512, height: Length = 512) -> Mask:
    """Cut a part out of a mask.

    Args:
        mask: The mask.
        x: Pixels to leave out on the left.
        y: Pixels to leave out at the top.
        width: In pixels.
        height: In pixels.

    Returns:
        The part.
    """
    return Mask(crop(as_noise_mask(mask)[:, 0], width, height, x, y))


@node("ThresholdMask", category="mask", title="Threshold Mask", outputs=("MASK",))
def threshold_mask(mask: Mask, value: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.5) -> Mask:
    """Select all that is selected by more than a value, and nothing else.

    Args:
        mask: The mask.
        value: The value, 0 to 1.

    Returns:
        A mask without shades.
    """
    return Mask((torch.as_tensor(mask) > value).float())


@node("BatchMasksNode", category="mask", title="Batch Masks", outputs=("MASK",))
def batch_masks(*masks: Annotated[Mask, Row("mask", least=2, most=50)]) -> Mask:
    """Put masks into one batch; all take the size of the first.

    Args:
        masks: The masks.

    Returns:
        The batch.
    """
    like = as_noise_mask(masks[0])
    return Mask(torch.cat([mask_for(mask, like.expand(len(mask), -1, -1, -1))[:, 0] for mask in masks]))
