"""Nodes that change latents cell by cell, once or at every step of a run."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from diffusion.correction import changed_difference
from diffusion.latent_operation import LatentOperation, tone_mapped, with_sharper_edges
from diffusion.model import Model
from diffusion.values import Latent
from graph.define import node
from graph.widgets import Range

CATEGORY = "latent/advanced/operations"


@node(
    "LatentOperationTonemapReinhard",
    category=CATEGORY,
    title="LatentOperationTonemapReinhard",
    experimental=True,
    outputs=("LATENT_OPERATION",),
)
def latent_operation_tonemap_reinhard(
    multiplier: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> LatentOperation:
    """Dim the strongest cells of a latent, which a high cfg makes too strong.

    Args:
        multiplier: How strong a cell may be; the lower, the more is dimmed.

    Returns:
        The operation.
    """
    return LatentOperation(partial(tone_mapped, multiplier=multiplier))


@node(
    "LatentOperationSharpen",
    category=CATEGORY,
    title="LatentOperationSharpen",
    experimental=True,
    outputs=("LATENT_OPERATION",),
)
def latent_operation_sharpen(
    sharpen_radius: Annotated[int, Range(1, 31, step=1)] = 9,
    sigma: Annotated[float, Range(0.1, 10.0, step=0.1)] = 1.0,
    alpha: Annotated[float, Range(0.0, 5.0, step=0.01)] = 0.1,
) -> LatentOperation:
    """Bring out the edges in a latent.

    Args:
        sharpen_radius: How wide edges are, in cells of 8 pixels.
        sigma: How evenly the cells around each count.
        alpha: How strongly.

    Returns:
        The operation.
    """
    return LatentOperation(partial(with_sharper_edges, radius=sharpen_radius, sigma=sigma, alpha=alpha))


@node(
    "LatentApplyOperation",
    category=CATEGORY,
    title="LatentApplyOperation",
    experimental=True,
    outputs=("LATENT",),
)
def latent_apply_operation(samples: Latent, operation: LatentOperation) -> Latent:
    """Do an operation to a latent.

    Args:
        samples: The latent.
        operation: What to do.

    Returns:
        The changed latent.
    """
    return replace(samples, samples=operation.change(samples.samples))


@node(
    "LatentApplyOperationCFG",
    category=CATEGORY,
    title="LatentApplyOperationCFG",
    experimental=True,
    outputs=("MODEL",),
)
def latent_apply_operation_cfg(model: Model, operation: LatentOperation) -> Model:
    """Do an operation at every step to what the positive prompt has beyond the negative one.

    Args:
        model: The model to guide so.
        operation: What to do.

    Returns:
        The model, guided so.
    """
    change = changed_difference(operation.change)
    return replace(model, guidance=model.guidance.and_before(change, always=False))
