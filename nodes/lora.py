"""Nodes that put LoRAs on models."""

from typing import Annotated, NamedTuple

from diffusion.library import ModelLibrary
from diffusion.lora import with_lora
from diffusion.model import Model, TextEncoder
from graph.define import node
from graph.widgets import FileIn, Range


class Patched(NamedTuple):
    """A model and its text encoder with a LoRA."""

    model: Model
    text_encoder: TextEncoder


@node("LoraLoader", category="loaders", title="Load LoRA", outputs=("MODEL", "CLIP"))
def load_lora(
    model: Model,
    clip: TextEncoder,
    lora_name: Annotated[str, FileIn("loras")],
    strength_model: Annotated[float, Range(-100.0, 100.0, step=0.01)] = 1.0,
    strength_clip: Annotated[float, Range(-100.0, 100.0, step=0.01)] = 1.0,
    *,
    library: ModelLibrary,
) -> Patched:
    """Put a LoRA on a diffusion model and its text encoder. Several can be chained.

    Args:
        model: The diffusion model.
        clip: Its text encoder.
        lora_name: The file, in the loras folder.
        strength_model: How strongly the diffusion model is changed; negative values turn the effect round.
        strength_clip: How strongly the text encoder is changed.
    """
    patched = with_lora(model, clip, library.lora(lora_name), strength_model, strength_clip)
    return Patched(patched.model, patched.text_encoder or clip)


@node("LoraLoaderModelOnly", category="loaders", title="LoraLoaderModelOnly", outputs=("MODEL",))
def load_lora_model_only(
    model: Model,
    lora_name: Annotated[str, FileIn("loras")],
    strength_model: Annotated[float, Range(-100.0, 100.0, step=0.01)] = 1.0,
    *,
    library: ModelLibrary,
) -> Model:
    """Put a LoRA on a diffusion model alone. Several can be chained.

    Args:
        model: The diffusion model.
        lora_name: The file, in the loras folder.
        strength_model: How strongly the model is changed; negative values turn the effect round.

    Returns:
        The changed model.
    """
    return with_lora(model, None, library.lora(lora_name), strength_model).model
