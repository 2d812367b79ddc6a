"""Nodes that load, make and change masks."""

from typing import Annotated, Literal

import torch

from diffusion.images import Channel, read_channel
from diffusion.inpaint import feathered, grown
from diffusion.values import Image, Mask
from graph.define import node
from graph.services import Inputs
from graph.widgets import FileIn, Range

Side = Annotated[int, Range(0, 16384, step=1)]
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
    plain = torch.as_tensor(mask)
    return Image(plain.reshape(-1, *plain.shape[-2:], 1).repeat(1, 1, 1, 3))


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
