"""Nodes that look at pictures with an image encoder."""

from typing import Annotated, Literal

from diffusion.clip_vision import ClipVision, Seen, see
from diffusion.library import ModelLibrary
from diffusion.values import Image
from graph.define import node
from graph.widgets import FileIn


@node("CLIPVisionLoader", category="loaders", title="Load CLIP Vision", outputs=("CLIP_VISION",))
def load_clip_vision(
    clip_name: Annotated[str, FileIn("clip_vision")], *, library: ModelLibrary
) -> ClipVision:
    """Load an image encoder, which tells what a picture is about.

    Args:
        clip_name: The file, in the clip_vision folder.

    Returns:
        The image encoder.
    """
    return library.clip_vision(clip_name)


@node(
    "CLIPVisionEncode", category="conditioning", title="CLIP Vision Encode", outputs=("CLIP_VISION_OUTPUT",)
)
def encode_clip_vision(
    clip_vision: ClipVision, image: Image, crop: Literal["center", "none"] = "center"
) -> Seen:
    """Look at a picture with an image encoder.

    Args:
        clip_vision: The image encoder.
        image: The picture.
        crop: "center" looks at the middle square; "none" squeezes all of the picture into one.

    Returns:
        What the encoder saw.
    """
    return see(clip_vision, image, crop)
