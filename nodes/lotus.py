"""Nodes for Lotus, which sees the depth or the surfaces of what a picture shows."""

from diffusion.encode import encode_nothing
from diffusion.library import ModelLibrary
from diffusion.values import Conditioning
from graph.define import node


@node("LotusConditioning", category="conditioning/lotus", outputs=("conditioning",))
def lotus_conditioning(*, library: ModelLibrary) -> Conditioning:
    """The only prompt that Lotus reads: the empty one, by the text encoder of Stable Diffusion 2.

    Put that encoder (OpenCLIP-H) into the text_encoders folder, under any name.

    Returns:
        The encoded prompt.
    """
    return encode_nothing(library.open_clip_h())
