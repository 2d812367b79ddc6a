"""Nodes that make sampling faster by carrying on what a network answered before."""

from dataclasses import replace
from typing import Annotated

from diffusion.model import Model
from diffusion.reuse import Reuse
from graph.define import node
from graph.widgets import Range

Threshold = Annotated[float, Range(0.0, 3.0, step=0.01)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.01)]


@node("EasyCache", category="advanced/debug/model", title="EasyCache", experimental=True, outputs=("MODEL",))
def easy_cache(
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Percent = 0.15,
    end_percent: Percent = 0.95,
    verbose: bool = False,
) -> Model:
    """Spare the network where its answers change little from step to step.

    Args:
        model: The model to sample faster.
        reuse_threshold: How much an answer may have changed since the network was last asked. Higher is
            faster and rougher; 0 spares nothing.
        start_percent: From when on, 0 to 1 of the sampling.
        end_percent: Until when.
        verbose: The log tells of each spared call.

    Returns:
        The model, sampled faster.
    """
    return replace(model, reuse=Reuse(reuse_threshold, start_percent, end_percent, told=verbose))


@node("LazyCache", category="advanced/debug/model", title="LazyCache", experimental=True, outputs=("MODEL",))
def lazy_cache(
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Percent = 0.15,
    end_percent: Percent = 0.95,
    verbose: bool = False,
) -> Model:
    """Spare the network where what comes of its answers after guidance changes little from step to step.

    Args:
        model: The model to sample faster.
        reuse_threshold: How much that may have changed since the network was last asked. Higher is faster and
            rougher; 0 spares nothing.
        start_percent: From when on, 0 to 1 of the sampling.
        end_percent: Until when.
        verbose: The log tells of each spared call.

    Returns:
        The model, sampled faster.
    """
    return replace(model, reuse=Reuse(reuse_threshold, start_percent, end_percent, True, verbose))
