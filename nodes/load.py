"""Nodes that load models from files."""

from typing import Annotated, NamedTuple

from diffusion.controlnet import ControlNet
from diffusion.library import ModelLibrary
from diffusion.model import Model, TextEncoder, Vae
from graph.define import node
from graph.widgets import FileIn


class Checkpoint(NamedTuple):
    """The three values of a checkpoint."""

    model: Model
    text_encoder: TextEncoder
    vae: Vae


@node("CheckpointLoaderSimple", category="loaders", title="Load Checkpoint", outputs=("MODEL", "CLIP", "VAE"))
def load_checkpoint(ckpt_name: Annotated[str, FileIn("checkpoints")], *, library: ModelLibrary) -> Checkpoint:
    """Load a diffusion model, its text encoder and its VAE from one file.

    Args:
        ckpt_name: The file, in the checkpoints folder.
    """
    return Checkpoint(*library.checkpoint(ckpt_name))


@node("ControlNetLoader", category="loaders", title="Load ControlNet Model", outputs=("CONTROL_NET",))
def load_controlnet(
    control_net_name: Annotated[str, FileIn("controlnet")], *, library: ModelLibrary
) -> ControlNet:
    """Load a network that steers a diffusion model with a hint picture.

    Args:
        control_net_name: The file, in the controlnet folder.

    Returns:
        The ControlNet.
    """
    return library.controlnet(control_net_name)
