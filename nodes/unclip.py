"""Nodes for models that follow a picture as a whole (unCLIP)."""

from dataclasses import replace
from typing import Annotated, NamedTuple

from diffusion.clip_vision import ClipVision, Seen
from diffusion.library import ModelLibrary
from diffusion.model import Model, TextEncoder, Vae
from diffusion.values import Conditioning, Followed
from graph.define import node
from graph.widgets import FileIn, Range


class UnclipCheckpoint(NamedTuple):
    """The four values of an unCLIP checkpoint."""

    model: Model
    text_encoder: TextEncoder
    vae: Vae
    image_encoder: ClipVision


@node(
    "unCLIPCheckpointLoader",
    category="loaders",
    title="unCLIPCheckpointLoader",
    outputs=("MODEL", "CLIP", "VAE", "CLIP_VISION"),
)
def load_unclip_checkpoint(
    ckpt_name: Annotated[str, FileIn("checkpoints")], *, library: ModelLibrary
) -> UnclipCheckpoint:
    """Load a diffusion model that follows pictures, with its encoders of text and of images and its VAE.

    Args:
        ckpt_name: The file, in the checkpoints folder.
    """
    return UnclipCheckpoint(*library.checkpoint(ckpt_name), library.checkpoint_vision(ckpt_name))


@node("unCLIPConditioning", category="conditioning", title="unCLIPConditioning", outputs=("CONDITIONING",))
def follow_picture(
    conditioning: Conditioning,
    clip_vision_output: Seen,
    strength: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0,
    noise_augmentation: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.0,
) -> Conditioning:
    """Let a prompt follow a picture too, for a model that reads pictures. Several can be chained.

    Args:
        conditioning: The prompt.
        clip_vision_output: What the model's image encoder saw in the picture.
        strength: How strongly it is followed.
        noise_augmentation: How loosely: 0 closely, 1 hardly at all.

    Returns:
        The prompt with the picture.
    """
    if strength == 0:
        return conditioning
    picture = Followed(clip_vision_output, strength, noise_augmentation)
    return conditioning.each(lambda entry: replace(entry, pictures=(*entry.pictures, picture)))
