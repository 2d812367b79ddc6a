"""Nodes that load, save and change pictures."""

from functools import partial
from typing import Annotated

import torch

from diffusion.canny import canny
from diffusion.images import (
    Margins,
    Picture,
    inverted,
    padded_for_outpaint,
    read_picture,
    to_pixels,
    write_png,
)
from diffusion.resize import resized_image
from diffusion.values import Image
from graph.define import node
from graph.services import Inputs, Outputs
from graph.widgets import FileIn, Range

Side = Annotated[int, Range(0, 16384, step=8)]


@node("LoadImage", category="image", title="Load Image", outputs=("IMAGE", "MASK"))
def load_image(image: Annotated[str, FileIn("input", upload=True)], *, inputs: Inputs) -> Picture:
    """Read a picture; an animation gives all its frames.

    Args:
        image: The picture's file.

    Returns:
        image: The picture.
        mask: What is transparent in it.
    """
    return read_picture(inputs.path(image))


@node("SaveImage", category="image", title="Save Image")
def save_image(images: Image, filename_prefix: str = "Photogram", *, outputs: Outputs) -> None:
    """Keep pictures in the output folder, with the workflow inside.

    Args:
        images: The pictures.
        filename_prefix: How the files' names begin. A slash makes a folder.
    """
    _save(images, filename_prefix, outputs)


@node("PreviewImage", category="image", title="Preview Image")
def preview_image(images: Image, *, outputs: Outputs) -> None:
    """Show pictures without keeping them.

    Args:
        images: The pictures.
    """
    _save(images, "preview", outputs, temporary=True)


def _save(images: Image, prefix: str, outputs: Outputs, temporary: bool = False) -> None:
    for pixels in to_pixels(images):
        height, width = pixels.shape[:2]
        outputs.save(
            partial(write_png, pixels),
            prefix=prefix,
            suffix=".png",
            shown={"kind": "image", "width": width, "height": height},
            temporary=temporary,
        )


@node("ImageInvert", category="image", title="Invert Image", outputs=("IMAGE",))
def image_invert(image: Image) -> Image:
    """Invert the colours.

    Args:
        image: The picture.

    Returns:
        Its negative.
    """
    return inverted(image)


@node("ImagePadForOutpaint", category="image", title="Pad Image for Outpainting", outputs=("IMAGE", "MASK"))
def image_pad_for_outpaint(
    image: Image,
    left: Side = 0,
    top: Side = 0,
    right: Side = 0,
    bottom: Side = 0,
    feathering: Annotated[int, Range(0, 16384, step=1)] = 40,
) -> Picture:
    """Add grey margins for a sampler to paint.

    Args:
        image: The picture.
        left: Pixels to add on the left.
        top: Pixels to add at the top.
        right: Pixels to add on the right.
        bottom: Pixels to add at the bottom.
        feathering: Over how many pixels the mask fades into the picture.

    Returns:
        image: The larger picture.
        mask: What to paint.
    """
    return padded_for_outpaint(image, Margins(left, top, right, bottom), feathering)


@node("ImageBatch", category="image", title="Batch Images", outputs=("IMAGE",), deprecated=True)
def image_batch(image1: Image, image2: Image) -> Image:
    """Put pictures into one batch; the second takes the size of the first.

    Args:
        image1: The first picture or pictures.
        image2: The others.

    Returns:
        The batch.
    """
    height, width = image1.shape[1:3]
    if image2.shape[1:3] != image1.shape[1:3]:
        image2 = resized_image(image2, width, height, "bilinear", "center")
    channels = min(image1.shape[-1], image2.shape[-1])
    return Image(torch.cat((image1[..., :channels], image2[..., :channels])))


@node("Canny", category="image/preprocessors", title="Canny", outputs=("IMAGE",))
def canny_edges(
    image: Image,
    low_threshold: Annotated[float, Range(0.01, 0.99, step=0.01)] = 0.4,
    high_threshold: Annotated[float, Range(0.01, 0.99, step=0.01)] = 0.8,
) -> Image:
    """Draw the edges of a picture, white on black.

    Args:
        image: The picture.
        low_threshold: How weak an edge may become while it is followed.
        high_threshold: How strong an edge must be to start.

    Returns:
        The edges.
    """
    return canny(image, low_threshold, high_threshold)
