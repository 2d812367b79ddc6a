"""Nodes that put the style of a picture into a prompt."""

from typing import Annotated, Literal

from diffusion.clip_vision import Seen
from diffusion.errors import DiffusionError
from diffusion.library import ModelLibrary
from diffusion.style_model import StyleModel, styled
from diffusion.values import Conditioning
from graph.define import node
from graph.widgets import FileIn, Range


@node("StyleModelLoader", category="loaders", title="Load Style Model", outputs=("STYLE_MODEL",))
def load_style_model(
    style_model_name: Annotated[str, FileIn("style_models")], *, library: ModelLibrary
) -> StyleModel:
    """Load a network that puts the style of a picture into a prompt.

    Args:
        style_model_name: The file, in the style_models folder.

    Returns:
        The style model.
    """
    return library.style_model(style_model_name)


@node(
    "StyleModelApply",
    category="conditioning/style_model",
    title="Apply Style Model",
    outputs=("CONDITIONING",),
)
def apply_style_model(
    conditioning: Conditioning,
    style_model: StyleModel,
    clip_vision_output: Seen,
    strength: Annotated[float, Range(0.0, 10.0, step=0.001)] = 1.0,
    strength_type: Literal["multiply", "attn_bias"] = "multiply",
) -> Conditioning:
    """Put the style of a picture into a prompt.

    Args:
        conditioning: The prompt.
        style_model: The network that reads the style.
        clip_vision_output: What an image encoder saw in the picture.
        strength: How strongly it acts.
        strength_type: "multiply" makes the style's tokens larger or smaller. "attn_bias" is for models that
            mask their attention.

    Returns:
        The prompt with the style.
    """
    if strength_type == "attn_bias" and strength != 1:
        raise DiffusionError("No model here can weigh tokens by attn_bias.", "Choose 'multiply'.")
    return styled(conditioning, style_model, clip_vision_output, strength)
