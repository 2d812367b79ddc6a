"""Nodes that cut, turn and join pictures, and sort them into batches."""

from typing import Annotated, Final, Literal

import torch

from diffusion.arrange import COLORS, Gap, Side, batched, crop, padded_to, rebatched, stitched
from diffusion.values import Image
from graph.define import node
from graph.widgets import OneOf, Range, Row

Length = Annotated[int, Range(1, 16384, step=1)]
Offset = Annotated[int, Range(0, 16384, step=1)]
PADDED_METHODS = ("area", "bicubic", "nearest-exact", "bilinear", "lanczos")
BatchSize = list[Annotated[int, Range(1, 4096)]]
ONE: Final = [1]
QUARTERS = ("none", "90 degrees", "180 degrees", "270 degrees")


@node("ImageBatch", category="image", title="Batch Images", outputs=("IMAGE",), deprecated=True)
def image_batch(image1: Image, image2: Image) -> Image:
    """Put pictures into one batch; the second takes the size of the first.

    Args:
        image1: The first picture or pictures.
        image2: The others.

    Returns:
        The batch.
    """
    return batched((image1, image2))


@node("BatchImagesNode", category="image", title="Batch Images", outputs=("IMAGE",))
def batch_images(*images: Annotated[Image, Row("image", least=2, most=50)]) -> Image:
    """Put pictures into one batch; all take the size of the first.

    Args:
        images: The pictures.

    Returns:
        The batch.
    """
    return batched(images)


@node("ImageFromBatch", category="image/batch", title="Image From Batch", outputs=("IMAGE",))
def image_from_batch(
    image: Image,
    batch_index: Annotated[int, Range(0, 4095)] = 0,
    length: Annotated[int, Range(1, 4096)] = 1,
) -> Image:
    """Take pictures out of a batch.

    Args:
        image: The batch.
        batch_index: The first to take, from 0.
        length: How many to take.

    Returns:
        The shorter batch.
    """
    first = min(batch_index, len(image) - 1)
    return Image(torch.as_tensor(image)[first : first + length])


@node("RepeatImageBatch", category="image/batch", title="Repeat Image Batch", outputs=("IMAGE",))
def repeat_image_batch(image: Image, amount: Annotated[int, Range(1, 4096)] = 1) -> Image:
    """Repeat the pictures of a batch.

    Args:
        image: The batch.
        amount: How many times.

    Returns:
        The longer batch.
    """
    return Image(torch.as_tensor(image).repeat(amount, 1, 1, 1))


@node("RebatchImages", category="image/batch", title="Rebatch Images", outputs=("IMAGE",))
def rebatch_images(images: list[Image], batch_size: BatchSize = ONE) -> list[Image]:
    """Sort pictures into batches of another size.

    Args:
        images: The pictures or batches.
        batch_size: How many pictures a batch holds.

    Returns:
        The batches, one after another.
    """
    return rebatched(images, batch_size[0])


@node("ImageCrop", category="image/transform", title="Image Crop", outputs=("IMAGE",))
def image_crop(
    image: Image, width: Length = 512, height: Length = 512, x: Offset = 0, y: Offset = 0
) -> Image:
    """Cut a part out of a picture.

    Args:
        image: The picture.
        width: In pixels.
        height: In pixels.
        x: Pixels to leave out on the left.
        y: Pixels to leave out at the top.

    Returns:
        The part.
    """
    return Image(crop(torch.as_tensor(image), width, height, x, y))


@node("ImageRotate", category="image/transform", title="Image Rotate", outputs=("IMAGE",))
def image_rotate(image: Image, rotation: Annotated[str, OneOf(QUARTERS)] = "none") -> Image:
    """Turn a picture to the right.

    Args:
        image: The picture.
        rotation: By how much.

    Returns:
        The turned picture.
    """
    return Image(torch.as_tensor(image).rot90(QUARTERS.index(rotation), (2, 1)))


@node("ImageFlip", category="image/transform", title="Image Flip", outputs=("IMAGE",))
def image_flip(
    image: Image,
    flip_method: Literal["x-axis: vertically", "y-axis: horizontally"] = "x-axis: vertically",
) -> Image:
    """Mirror a picture.

    Args:
        image: The picture.
        flip_method: Upside down, or left to right.

    Returns:
        The mirrored picture.
    """
    return Image(torch.as_tensor(image).flip(1 if flip_method.startswith("x") else 2))


@node("ImageStitch", category="image/transform", title="Image Stitch", outputs=("IMAGE",))
def image_stitch(
    image1: Image,
    direction: Side = "right",
    match_image_size: bool = True,
    spacing_width: Annotated[int, Range(0, 1024, step=2)] = 0,
    spacing_color: Annotated[str, OneOf(COLORS)] = "white",
    image2: Image | None = None,
) -> Image:
    """Put two pictures side by side.

    Args:
        image1: The first picture.
        direction: On which side of it the second comes.
        match_image_size: Scale the second so that the sides that touch are of one length.
        spacing_width: Pixels between the two.
        spacing_color: What is to be seen there.
        image2: The second picture.

    Returns:
        Both in one picture.
    """
    if image2 is None:
        return image1
    return stitched(image1, image2, direction, match_image_size, Gap(spacing_width, COLORS[spacing_color]))


@node("ResizeAndPadImage", category="image/transform", title="Resize And Pad Image", outputs=("IMAGE",))
def resize_and_pad_image(
    image: Image,
    target_width: Length = 512,
    target_height: Length = 512,
    padding_color: Literal["white", "black"] = "white",
    interpolation: Annotated[str, OneOf(PADDED_METHODS)] = "area",
) -> Image:
    """Make a picture fit a size without cutting it; bars fill what is left.

    Args:
        image: The picture.
        target_width: In pixels.
        target_height: In pixels.
        padding_color: The colour of the bars.
        interpolation: How colours between pixels are found.

    Returns:
        The picture of that size.
    """
    return padded_to(image, target_width, target_height, COLORS[padding_color], interpolation)
