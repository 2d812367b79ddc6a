"""A node that changes attention with a hypernetwork."""

from dataclasses import replace
from typing import Annotated

from diffusion.hypernetwork import require_effect
from diffusion.library import ModelLibrary
from diffusion.model import Model
from graph.define import node
from graph.widgets import FileIn, Range


@node("HypernetworkLoader", category="loaders", outputs=("MODEL",))
def load_hypernetwork(
    model: Model,
    hypernetwork_name: Annotated[str, FileIn("hypernetworks")],
    strength: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0,
    *,
    library: ModelLibrary,
) -> Model:
    """Change what a diffusion model's attention looks for and finds, with small networks trained for that.

    Args:
        model: The diffusion model.
        hypernetwork_name: The file, in the hypernetworks folder.
        strength: How strongly it acts; 0 not at all.

    Returns:
        The changed model.
    """
    hypernetwork = library.hypernetwork(hypernetwork_name)
    require_effect(hypernetwork, model.network)
    return model.with_hook(replace(hypernetwork, strength=strength)) if strength else model
