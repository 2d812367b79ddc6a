"""Nodes that load models from files."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

import torch

from diffusion.controlnet import ControlNet
from diffusion.diffusers_folder import open_folder
from diffusion.errors import DiffusionError
from diffusion.library import ModelLibrary
from diffusion.model import Model, TextEncoder, Vae
from diffusion.prediction import EPSILON, VELOCITY, Prediction
from graph.define import node
from graph.widgets import FileIn, OneOf, Shown

Device = Annotated[Literal["default", "cpu"], Shown(advanced=True, optional=True)]
ONE_ENCODER = (
    "stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi", "ltxv", "pixart", "cosmos",
    "lumina2", "wan", "hidream", "chroma", "ace", "omnigen2", "qwen_image", "hunyuan_image", "flux2", "ovis",
)  # fmt: skip
TWO_ENCODERS = (
    "sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image", "hunyuan_video_15", "kandinsky5",
    "kandinsky5_image", "ltxv", "newbie",
)  # fmt: skip
ROUNDED: Mapping[str, torch.dtype | None] = MappingProxyType(
    {
        "default": None,
        "fp8_e4m3fn": torch.float8_e4m3fn,
        "fp8_e4m3fn_fast": torch.float8_e4m3fn,
        "fp8_e5m2": torch.float8_e5m2,
    }
)


class Setting(NamedTuple):
    """What a configuration file of old says besides the architecture."""

    prediction: Prediction | None = None
    stop_at_layer: int | None = None


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "anything_v3.yaml": Setting(stop_at_layer=-2),
        "v1-inference.yaml": Setting(),
        "v1-inference_clip_skip_2.yaml": Setting(stop_at_layer=-2),
        "v1-inference_clip_skip_2_fp16.yaml": Setting(stop_at_layer=-2),
        "v1-inference_fp16.yaml": Setting(),
        "v1-inpainting-inference.yaml": Setting(),
        "v2-inference-v.yaml": Setting(VELOCITY),
        "v2-inference-v_fp32.yaml": Setting(VELOCITY),
        "v2-inference.yaml": Setting(EPSILON),
        "v2-inference_fp32.yaml": Setting(EPSILON),
        "v2-inpainting-inference.yaml": Setting(EPSILON),
    }
)


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


@node(
    "CheckpointLoader",
    category="advanced/loaders",
    title="Load Checkpoint With Config (DEPRECATED)",
    outputs=("MODEL", "CLIP", "VAE"),
    deprecated=True,
)
def load_checkpoint_with_config(
    config_name: Annotated[str, OneOf(SETTINGS)],
    ckpt_name: Annotated[str, FileIn("checkpoints")],
    *,
    library: ModelLibrary,
) -> Checkpoint:
    """Load a checkpoint, told what it predicts and where its text encoder stops.

    The file itself tells the rest.

    Args:
        config_name: The configuration the model was trained with.
        ckpt_name: The file, in the checkpoints folder.
    """
    model, clip, vae = library.checkpoint(ckpt_name)
    setting = SETTINGS[config_name]
    model = replace(model, prediction=setting.prediction or model.prediction)
    return Checkpoint(model, replace(clip, stop_at_layer=setting.stop_at_layer), vae)


@node(
    "DiffusersLoader",
    category="advanced/loaders/deprecated",
    title="DiffusersLoader",
    outputs=("MODEL", "CLIP", "VAE"),
)
def load_diffusers(model_path: Annotated[str, FileIn("diffusers")], *, library: ModelLibrary) -> Checkpoint:
    """Load a diffusion model, its text encoder and its VAE from a folder as the diffusers library has them.

    Args:
        model_path: The folder, in the diffusers folder.
    """
    return Checkpoint(*open_folder(library, model_path))


@node("UNETLoader", category="advanced/loaders", title="Load Diffusion Model", outputs=("MODEL",))
def load_diffusion_model(
    unet_name: Annotated[str, FileIn("diffusion_models")],
    weight_dtype: Annotated[str, OneOf(ROUNDED)] = "default",
    *,
    library: ModelLibrary,
) -> Model:
    """Load a diffusion model from a file that holds nothing else.

    Args:
        unet_name: The file, in the diffusion_models folder.
        weight_dtype: The number format its weights are rounded to; they are kept in the computing format.

    Returns:
        The diffusion model.
    """
    return library.diffusion_model(unet_name, ROUNDED[weight_dtype])


@node("CLIPLoader", category="advanced/loaders", title="Load CLIP", outputs=("CLIP",))
def load_text_encoder(
    clip_name: Annotated[str, FileIn("text_encoders")],
    type: Annotated[str, OneOf(ONE_ENCODER)] = "stable_diffusion",
    device: Device = "default",
    *,
    library: ModelLibrary,
) -> TextEncoder:
    """Load a text encoder from a file that holds nothing else: CLIP-L, OpenCLIP-H or OpenCLIP-bigG.

    Args:
        clip_name: The file, in the text_encoders folder.
        type: The kind of model it is for.
        device: Where it computes.

    Returns:
        The text encoder.
    """
    _require(type, "stable_diffusion")
    return library.text_encoder([clip_name], device == "cpu")


@node("DualCLIPLoader", category="advanced/loaders", title="DualCLIPLoader", outputs=("CLIP",))
def load_text_encoders(
    clip_name1: Annotated[str, FileIn("text_encoders")],
    clip_name2: Annotated[str, FileIn("text_encoders")],
    type: Annotated[str, OneOf(TWO_ENCODERS)] = "sdxl",
    device: Device = "default",
    *,
    library: ModelLibrary,
) -> TextEncoder:
    """Load the two text encoders of one model from a file each, in any order.

    Args:
        clip_name1: One file, in the text_encoders folder.
        clip_name2: The other.
        type: The kind of model they are for.
        device: Where they compute.

    Returns:
        The text encoder.
    """
    _require(type, "sdxl")
    return library.text_encoder([clip_name1, clip_name2], device == "cpu")


def _require(type: str, supported: str) -> None:
    if type != supported:
        raise DiffusionError(f"Text encoders for {type} are not supported yet.", f"Choose {supported}.")


@node("VAELoader", category="loaders", title="Load VAE", outputs=("VAE",))
def load_vae(vae_name: Annotated[str, FileIn("vae")], *, library: ModelLibrary) -> Vae:
    """Load a VAE from a file that holds nothing else.

    Args:
        vae_name: The file, in the vae folder; or a TAESD, a small and quick one, by the name that its two
            files in the vae_approx folder begin with.

    Returns:
        The VAE.
    """
    return library.vae(vae_name)
