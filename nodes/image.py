"""Nodes that load, save, show and make pictures."""

from functools import partial
from typing import Annotated, NamedTuple

from diffusion.arrange import plain
from diffusion.canny import canny
from diffusion.images import (
    Margins,
    Picture,
    inverted,
    padded_for_outpaint,
    read_picture,
    shown_mask,
    to_pixels,
    write_animated_png,
    write_animated_webp,
    write_png,
)
from diffusion.resize import fitting_size, resized_image
from diffusion.values import Image, Mask
from graph.define import node
from graph.errors import WorkflowError
from graph.services import Inputs, Outputs
from graph.widgets import FileIn, OneOf, Range, Webcam

Side = Annotated[int, Range(0, 16384, step=8)]
Rate = Annotated[float, Range(0.01, 1000.0, step=0.01)]
EFFORTS = {"default": 4, "fastest": 0, "slowest": 6}


class Size(NamedTuple):
    """How large a batch of pictures is."""

    width: int
    height: int
    batch_size: int


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


@node(
    "LoadImageOutput",
    category="image",
    title="Load Image (from Outputs)",
    experimental=True,
    outputs=("IMAGE", "MASK"),
)
def load_image_output(image: Annotated[str, FileIn("output")], *, inputs: Inputs) -> Picture:
    """Read a picture that was made before, from the output folder.

    Args:
        image: The picture's file.

    Returns:
        image: The picture.
        mask: What is transparent in it.
    """
    return read_picture(inputs.path(image if image.endswith("]") else f"{image} [output]"))


@node("WebcamCapture", category="image", title="Webcam Capture", outputs=("IMAGE",))
def webcam_capture(
    image: Annotated[str, Webcam()],
    width: Annotated[int, Range(0, 16384, step=1)] = 0,
    height: Annotated[int, Range(0, 16384, step=1)] = 0,
    capture_on_queue: bool = True,  # noqa: ARG001  the editor reads it
    *,
    inputs: Inputs,
) -> Image:
    """Take a picture with the camera of the computer that the editor is open on.

    Args:
        image: The picture that was captured, a file of the input folder.
        width: In pixels; 0 keeps the aspect, or the camera's own size if both are 0.
        height: In pixels; 0 keeps the aspect, or the camera's own size if both are 0.
        capture_on_queue: Capture a new picture each time Run is pressed.

    Returns:
        The picture.
    """
    if not image:
        hint = "Start the camera on the node, and capture a picture."
        raise WorkflowError("Nothing has been captured yet.", hint, input="image")
    frame = read_picture(inputs.path(image)).image
    wide, tall = fitting_size((frame.shape[2], frame.shape[1]), width, height)
    return resized_image(frame, wide, tall, "lanczos")


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


@node("MaskPreview", category="mask", title="Preview Mask")
def mask_preview(mask: Mask, *, outputs: Outputs) -> None:
    """Show masks without keeping them.

    Args:
        mask: The masks.
    """
    _save(shown_mask(mask), "mask", outputs, temporary=True)


@node("SaveAnimatedWEBP", category="image/animation", title="Save Animated WEBP")
def save_animated_webp(
    images: Image,
    filename_prefix: str = "Photogram",
    fps: Rate = 6.0,
    lossless: bool = True,
    quality: Annotated[int, Range(0, 100)] = 80,
    method: Annotated[str, OneOf(EFFORTS)] = "default",
    *,
    outputs: Outputs,
) -> None:
    """Keep pictures as one animated WebP in the output folder, with the workflow inside.

    Args:
        images: The frames.
        filename_prefix: How the file's name begins. A slash makes a folder.
        fps: Frames in a second.
        lossless: Keep every pixel as it is.
        quality: How much is kept otherwise, 0 to 100.
        method: How long to look for a smaller file.
    """
    options = {"lossless": lossless, "quality": quality, "method": EFFORTS[method]}
    encode = partial(write_animated_webp, to_pixels(images), fps=fps, options=options)
    shown = {"kind": "image", "width": images.shape[2], "height": images.shape[1]}
    outputs.save(encode, prefix=filename_prefix, suffix=".webp", shown=shown)


@node("SaveAnimatedPNG", category="image/animation", title="Save Animated PNG")
def save_animated_png(
    images: Image,
    filename_prefix: str = "Photogram",
    fps: Rate = 6.0,
    compress_level: Annotated[int, Range(0, 9)] = 4,
    *,
    outputs: Outputs,
) -> None:
    """Keep pictures as one animated PNG in the output folder, with the workflow inside.

    Args:
        images: The frames.
        filename_prefix: How the file's name begins. A slash makes a folder.
        fps: Frames in a second.
        compress_level: How long to look for a smaller file, 0 to 9.
    """
    encode = partial(write_animated_png, to_pixels(images), fps=fps, compress_level=compress_level)
    shown = {"kind": "image", "width": images.shape[2], "height": images.shape[1]}
    outputs.save(encode, prefix=filename_prefix, suffix=".png", shown=shown)


@node("GetImageSize", category="image", title="Get Image Size", outputs=("width", "height", "batch_size"))
def get_image_size(image: Image) -> Size:
    """Tell how large a picture is.

    Args:
        image: The picture.

    Returns:
        width: In pixels.
        height: In pixels.
        batch_size: How many pictures there are.
    """
    count, height, width = image.shape[:3]
    return Size(width, height, count)


@node("EmptyImage", category="image", title="EmptyImage", outputs=("IMAGE",))
def empty_image(
    width: Annotated[int, Range(1, 16384, step=1)] = 512,
    height: Annotated[int, Range(1, 16384, step=1)] = 512,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
    color: Annotated[int, Range(0, 0xFFFFFF, step=1)] = 0,
) -> Image:
    """Make a picture of one colour.

    Args:
        width: In pixels.
        height: In pixels.
        batch_size: How many pictures to make.
        color: Red, green and blue, each 0 to 255, as one number.

    Returns:
        The picture.
    """
    red, green, blue = color.to_bytes(3, "big")
    return plain((height, width), (red / 255, green / 255, blue / 255), batch_size)


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
