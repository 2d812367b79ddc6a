"""Nodes that say what should be where in a picture, with boxes."""

from typing import Annotated

from diffusion.encode import encode
from diffusion.gligen import Gligen, TextBox
from diffusion.grounding import boxed
from diffusion.library import ModelLibrary
from diffusion.model import TextEncoder
from diffusion.values import Conditioning
from graph.define import node
from graph.widgets import FileIn, Range, Text

Length = Annotated[int, Range(8, 16384, step=8, cut_to=8)]
Offset = Annotated[int, Range(0, 16384, step=8, cut_to=8)]


@node("GLIGENLoader", category="loaders", title="GLIGENLoader", outputs=("GLIGEN",))
def load_gligen(gligen_name: Annotated[str, FileIn("gligen")], *, library: ModelLibrary) -> Gligen:
    """Load networks that let a prompt say what should be where.

    Args:
        gligen_name: The file, in the gligen folder.

    Returns:
        The networks.
    """
    return library.gligen(gligen_name)


@node(
    "GLIGENTextBoxApply",
    category="conditioning/gligen",
    title="GLIGENTextBoxApply",
    outputs=("CONDITIONING",),
)
def add_text_box(
    conditioning_to: Conditioning,
    clip: TextEncoder,
    gligen_textbox_model: Gligen,
    text: Annotated[str, Text(multiline=True, dynamic=True)],
    width: Length = 64,
    height: Length = 64,
    x: Offset = 0,
    y: Offset = 0,
) -> Conditioning:
    """Say what should be in a box of the picture. Several can be chained, up to 30.

    Args:
        conditioning_to: The prompt, which should name the thing too.
        clip: The text encoder of a Stable Diffusion 1 model.
        gligen_textbox_model: The networks from GLIGENLoader.
        text: What should be there.
        width: Of the box, in pixels.
        height: Of the box, in pixels.
        x: Pixels from the left.
        y: Pixels from the top.

    Returns:
        The prompt with the box.
    """
    pooled = encode(clip, text).entries[0].pooled
    assert pooled is not None  # every text encoder tells a text as a whole
    box = TextBox(height // 8, width // 8, y // 8, x // 8, pooled)
    return boxed(conditioning_to, gligen_textbox_model, box)
