"""Nodes for Lotus, which sees the depth or the surfaces of what a picture shows."""

from diffusion.encode import encode_nothing
from diffusion.library import ModelLibrary
from diffusion.values import Conditioning
from graph.define import node


def encoder_file(library: ModelLibrary) -> list[str | int]:
    """Which file is read, and which of those that had its name."""
    name = library.open_clip_h()
    return [name, *library.file(library.path("text_encoders", name)).stamp]


@node("LotusConditioning", category="conditioning/lotus", outputs=("conditioning",), fingerprint=encoder_file)
def lotus_conditioning(*, library: ModelLibrary) -> Conditioning:
    """The empty prompt, which Lotus was trained with, by the text encoder of Stable Diffusion 2.

    Put that encoder (OpenCLIP-H) into the text_encoders folder, under any name.

    Returns:
        The encoded prompt.
    """
    return encode_nothing(library.text_encoder([library.open_clip_h()]))
