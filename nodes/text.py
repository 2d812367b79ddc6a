"""Nodes that turn text into a conditioning."""

from dataclasses import replace
from typing import Annotated

from diffusion.encode import encode
from diffusion.model import TextEncoder
from diffusion.values import Conditioning
from graph.define import node
from graph.widgets import Range, Text


@node(
    "CLIPTextEncode",
    category="conditioning",
    title="CLIP Text Encode (Prompt)",
    outputs=("CONDITIONING",),
)
def encode_prompt(
    text: Annotated[str, Text(multiline=True, dynamic=True)], clip: TextEncoder
) -> Conditioning:
    """Encode a prompt so that it can guide a diffusion model.

    Args:
        text: What to show. (word:1.3) counts more, (word:0.7) less; embedding:name inserts an embedding.
        clip: The text encoder of the model that is guided.

    Returns:
        The encoded prompt.
    """
    return encode(clip, text)


@node("CLIPSetLastLayer", category="conditioning", title="CLIP Set Last Layer", outputs=("CLIP",))
def set_last_layer(
    clip: TextEncoder, stop_at_clip_layer: Annotated[int, Range(-24, -1, step=1)] = -1
) -> TextEncoder:
    """Stop the text encoder before its end, as some models were trained with.

    Args:
        clip: The text encoder.
        stop_at_clip_layer: -1 is the last layer, -2 the one before it.

    Returns:
        The text encoder that stops there.
    """
    return replace(clip, stop_at_layer=stop_at_clip_layer)
