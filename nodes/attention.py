"""Nodes that make the attention of a model or a text encoder stronger or weaker."""

from typing import Annotated

from diffusion.model import Model, TextEncoder
from diffusion.scaling import Factors, with_attention, with_attention_outputs, with_text_attention
from graph.define import node
from graph.widgets import Range

CATEGORY = "_for_testing/attention_experiments"
Factor = Annotated[float, Range(0.0, 10.0, step=0.01)]


@node("UNetSelfAttentionMultiply", category=CATEGORY, experimental=True, outputs=("MODEL",))
def unet_self_attention_multiply(
    model: Model, q: Factor = 1.0, k: Factor = 1.0, v: Factor = 1.0, out: Factor = 1.0
) -> Model:
    """Change how a U-Net compares the places of a picture with each other.

    Args:
        model: The diffusion model.
        q: The factor on what each place asks.
        k: The factor on what places answer to.
        v: The factor on what places tell.
        out: The factor on what comes of it.

    Returns:
        The changed model.
    """
    return with_attention(model, "attn1", Factors(q, k, v, out))


@node("UNetCrossAttentionMultiply", category=CATEGORY, experimental=True, outputs=("MODEL",))
def unet_cross_attention_multiply(
    model: Model, q: Factor = 1.0, k: Factor = 1.0, v: Factor = 1.0, out: Factor = 1.0
) -> Model:
    """Change how a U-Net compares the places of a picture with the words of the prompt.

    Args:
        model: The diffusion model.
        q: The factor on what each place asks.
        k: The factor on what words answer to.
        v: The factor on what words tell.
        out: The factor on what comes of it.

    Returns:
        The changed model.
    """
    return with_attention(model, "attn2", Factors(q, k, v, out))


@node("CLIPAttentionMultiply", category=CATEGORY, experimental=True, outputs=("CLIP",))
def clip_attention_multiply(
    clip: TextEncoder, q: Factor = 1.0, k: Factor = 1.0, v: Factor = 1.0, out: Factor = 1.0
) -> TextEncoder:
    """Change how a text encoder compares the words of a prompt with each other.

    Args:
        clip: The text encoder.
        q: The factor on what each word asks.
        k: The factor on what words answer to.
        v: The factor on what words tell.
        out: The factor on what comes of it.

    Returns:
        The changed text encoder.
    """
    return with_text_attention(clip, Factors(q, k, v, out))


@node("UNetTemporalAttentionMultiply", category=CATEGORY, experimental=True, outputs=("MODEL",))
def unet_temporal_attention_multiply(
    model: Model,
    self_structural: Factor = 1.0,
    self_temporal: Factor = 1.0,
    cross_structural: Factor = 1.0,
    cross_temporal: Factor = 1.0,
) -> Model:
    """Change what attention gives in a U-Net, within a picture and from frame to frame of a video.

    Args:
        model: The diffusion model.
        self_structural: The factor on what places of one picture tell each other.
        self_temporal: The same from frame to frame; a model that makes no video has none of this.
        cross_structural: The factor on what the prompt tells them.
        cross_temporal: The same from frame to frame.

    Returns:
        The changed model.
    """
    in_space = {"attn1": self_structural, "attn2": cross_structural}
    return with_attention_outputs(model, in_space, {"attn1": self_temporal, "attn2": cross_temporal})
