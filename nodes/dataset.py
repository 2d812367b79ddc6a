"""Nodes that bring pictures into one shape, as a training set wants them."""

from typing import Annotated

import torch

from diffusion.arrange import Cells, grid, middle, somewhere
from diffusion.filters import brightened, contrasted, standardised
from diffusion.resize import resized_image, with_longer_side, with_shorter_side
from diffusion.values import Image
from graph.define import node
from graph.widgets import Range, Seed

CATEGORY = "dataset/image"
Factor = Annotated[float, Range(0.0, 2.0)]
Side = Annotated[int, Range(1, 8192)]


@node(
    "AdjustBrightness",
    category=CATEGORY,
    title="Adjust Brightness",
    experimental=True,
    outputs=("images",),
)
def adjust_brightness(images: Image, factor: Factor = 1.0) -> Image:
    """Make pictures brighter or darker.

    Args:
        images: The pictures.
        factor: 2 is twice as bright, 0 is black.

    Returns:
        The changed pictures.
    """
    return brightened(images, factor)


@node("AdjustContrast", category=CATEGORY, title="Adjust Contrast", experimental=True, outputs=("images",))
def adjust_contrast(images: Image, factor: Factor = 1.0) -> Image:
    """Move colours away from a middle grey, or towards it.

    Args:
        images: The pictures.
        factor: 2 is twice as far, 0 is grey.

    Returns:
        The changed pictures.
    """
    return contrasted(images, factor)


@node("NormalizeImages", category=CATEGORY, title="Normalize Images", experimental=True, outputs=("images",))
def normalize_images(
    images: Image,
    mean: Annotated[float, Range(0.0, 1.0)] = 0.5,
    std: Annotated[float, Range(0.001, 1.0)] = 0.5,
) -> Image:
    """Take a mean away from colours and divide by a spread, as networks are trained on them.

    Args:
        images: The pictures.
        mean: What becomes 0.
        std: What becomes 1 above it.

    Returns:
        The pictures, no longer from 0 to 1.
    """
    return standardised(images, mean, std)


@node(
    "ResizeImagesByLongerEdge",
    category=CATEGORY,
    title="Resize Images by Longer Edge",
    experimental=True,
    outputs=("images",),
)
def resize_images_by_longer_edge(images: Image, longer_edge: Side = 1024) -> Image:
    """Bring the longer side of pictures to a length; they keep their aspect.

    Args:
        images: The pictures.
        longer_edge: The length in pixels.

    Returns:
        The pictures at that size.
    """
    width, height = with_longer_side((images.shape[2], images.shape[1]), longer_edge)
    return resized_image(images, width, height, "lanczos")


@node(
    "ResizeImagesByShorterEdge",
    category=CATEGORY,
    title="Resize Images by Shorter Edge",
    experimental=True,
    outputs=("images",),
)
def resize_images_by_shorter_edge(images: Image, shorter_edge: Side = 512) -> Image:
    """Bring the shorter side of pictures to a length; they keep their aspect.

    Args:
        images: The pictures.
        shorter_edge: The length in pixels.

    Returns:
        The pictures at that size.
    """
    width, height = with_shorter_side((images.shape[2], images.shape[1]), shorter_edge)
    return resized_image(images, width, height, "lanczos")


@node(
    "CenterCropImages",
    category=CATEGORY,
    title="Center Crop Images",
    experimental=True,
    outputs=("images",),
)
def center_crop_images(images: Image, width: Side = 512, height: Side = 512) -> Image:
    """Cut out the middle of pictures; sides that are shorter stay as they are.

    Args:
        images: The pictures.
        width: In pixels.
        height: In pixels.

    Returns:
        The middle.
    """
    return middle(images, width, height)


@node(
    "RandomCropImages",
    category=CATEGORY,
    title="Random Crop Images",
    experimental=True,
    outputs=("images",),
)
def random_crop_images(images: Image, width: Side = 512, height: Side = 512, seed: Seed = 0) -> Image:
    """Cut a part out of each picture, anywhere; sides that are shorter stay as they are.

    Args:
        images: The pictures.
        width: In pixels.
        height: In pixels.
        seed: Which places.

    Returns:
        The parts.
    """
    return somewhere(images, width, height, seed)


@node("ImageGrid", category=CATEGORY, title="Image Grid", experimental=True, outputs=("images",))
def image_grid(
    images: list[Image],
    columns: Annotated[int, Range(1, 20)] = 4,
    cell_width: Annotated[int, Range(32, 2048)] = 256,
    cell_height: Annotated[int, Range(32, 2048)] = 256,
    padding: Annotated[int, Range(0, 50)] = 4,
) -> Image:
    """Lay pictures out in rows and columns of one picture.

    Args:
        images: The pictures, all that arrive.
        columns: How many stand in a row.
        cell_width: How wide each becomes, in pixels.
        cell_height: How high each becomes.
        padding: Pixels between two.

    Returns:
        The grid.
    """
    return grid(
        [torch.as_tensor(image) for image in images], Cells(columns, cell_width, cell_height, padding)
    )
