"""Nodes that turn text into a conditioning, and mix what they made."""

from dataclasses import replace
from typing import Annotated

from diffusion.conditioning import averaged, joined, silenced
from diffusion.encode import encode, encode_apart
from diffusion.model import TextEncoder
from diffusion.values import Conditioning, Framing
from graph.define import node
from graph.widgets import Range, Text

Writing = Annotated[str, Text(multiline=True, dynamic=True)]
Pixels = Annotated[int, Range(0, 16384)]


@node(
    "CLIPTextEncode",
    category="conditioning",
    title="CLIP Text Encode (Prompt)",
    outputs=("CONDITIONING",),
)
def encode_prompt(text: Writing, clip: TextEncoder) -> Conditioning:
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


@node(
    "CLIPTextEncodeSDXL",
    category="advanced/conditioning",
    title="CLIPTextEncodeSDXL",
    outputs=("CONDITIONING",),
)
def encode_prompt_sdxl(
    clip: TextEncoder,
    width: Pixels = 1024,
    height: Pixels = 1024,
    crop_w: Pixels = 0,
    crop_h: Pixels = 0,
    target_width: Pixels = 1024,
    target_height: Pixels = 1024,
    text_g: Writing = "",
    text_l: Writing = "",
) -> Conditioning:
    """Encode a prompt for SDXL, with a text for each of its encoders and the sizes it was trained to be told.

    Args:
        clip: The text encoder of an SDXL model.
        width: How wide the original would have been, in pixels; small ones look blurred.
        height: How high it would have been.
        crop_w: How many pixels would have been cut off on the left.
        crop_h: How many at the top.
        target_width: How wide the picture is to be.
        target_height: How high it is to be.
        text_g: What to show, for the larger encoder.
        text_l: What to show, for the smaller one.

    Returns:
        The encoded prompt.
    """
    encoded = encode_apart(clip, {"clip_g": text_g, "clip_l": text_l})
    framing = Framing(width, height, crop_w, crop_h, target_width, target_height)
    return encoded.each(lambda entry: replace(entry, framing=framing))


@node(
    "CLIPTextEncodeSDXLRefiner",
    category="advanced/conditioning",
    title="CLIPTextEncodeSDXLRefiner",
    outputs=("CONDITIONING",),
)
def encode_prompt_refiner(
    clip: TextEncoder,
    ascore: Annotated[float, Range(0.0, 1000.0, step=0.01)] = 6.0,
    width: Pixels = 1024,
    height: Pixels = 1024,
    text: Writing = "",
) -> Conditioning:
    """Encode a prompt for SDXL's refiner, with the size and how beautiful the picture should be.

    Args:
        clip: The text encoder of the refiner.
        ascore: How beautiful, about 0 to 10. Give the negative prompt a low one.
        width: How wide the picture is, in pixels.
        height: How high it is.
        text: What to show.

    Returns:
        The encoded prompt.
    """
    framing = Framing(width, height, score=ascore)
    return encode(clip, text).each(lambda entry: replace(entry, framing=framing))


@node("ConditioningConcat", category="conditioning", title="Conditioning (Concat)", outputs=("CONDITIONING",))
def conditioning_concat(conditioning_to: Conditioning, conditioning_from: Conditioning) -> Conditioning:
    """Put the tokens of one prompt behind those of another, as if it went on.

    Args:
        conditioning_to: The prompt that goes on.
        conditioning_from: What follows.

    Returns:
        One longer prompt.
    """
    return joined(conditioning_to, conditioning_from)


@node("ConditioningAverage", category="conditioning", title="ConditioningAverage", outputs=("CONDITIONING",))
def conditioning_average(
    conditioning_to: Conditioning,
    conditioning_from: Conditioning,
    conditioning_to_strength: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
) -> Conditioning:
    """Mix two prompts into one that lies between them.

    Args:
        conditioning_to: One prompt; its area, mask and time are kept.
        conditioning_from: The other.
        conditioning_to_strength: 1 is all of the first, 0 all of the other.

    Returns:
        The mixture.
    """
    return averaged(conditioning_to, conditioning_from, conditioning_to_strength)


@node("ConditioningZeroOut", category="advanced/conditioning", outputs=("CONDITIONING",))
def conditioning_zero_out(conditioning: Conditioning) -> Conditioning:
    """Make a prompt say nothing at all, which is less than an empty text says.

    Args:
        conditioning: The prompt.

    Returns:
        The silent prompt.
    """
    return silenced(conditioning)
