"""Nodes that guide a transformer away from what it sees without some of its layers."""

import re
from dataclasses import replace
from typing import Annotated

from diffusion.correction import away_from_shallow, unwanted_is_shallow
from diffusion.model import Model
from diffusion.perturbation import WithoutLayers
from graph.define import node
from graph.errors import WorkflowError
from graph.widgets import Range

GUIDANCE = "advanced/guidance"
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]
Scale = Annotated[float, Range(0.0, 10.0, step=0.1)]


@node(
    "SkipLayerGuidanceDiT",
    category=GUIDANCE,
    title="SkipLayerGuidanceDiT",
    experimental=True,
    outputs=("MODEL",),
)
def skip_layer_guidance(
    model: Model,
    double_layers: str = "7, 8, 9",
    single_layers: str = "7, 8, 9",
    scale: Scale = 3.0,
    start_percent: Percent = 0.01,
    end_percent: Percent = 0.15,
    rescaling_scale: Annotated[float, Range(0.0, 10.0, step=0.01)] = 0.0,
) -> Model:
    """Guide a transformer away from what it sees without some layers, which makes shapes hold together.

    Args:
        model: The model to guide so: a transformer, not a U-Net.
        double_layers: Numbers of layers that treat text and picture apart, with commas between.
        single_layers: Numbers of layers that treat them alike.
        scale: How strongly. Above 0 each step takes one call more.
        start_percent: From when on, 0 to 1 of the sampling.
        end_percent: Until when.
        rescaling_scale: How much the result is brought to the spread of what is wanted.

    Returns:
        The model, guided so.
    """
    layers = WithoutLayers(numbers(double_layers), numbers(single_layers))
    between = (model.noise.percent_to_sigma(start_percent), model.noise.percent_to_sigma(end_percent))
    finish = away_from_shallow(layers, scale, *between, rescaling_scale)
    return replace(model, guidance=model.guidance.and_after(finish))


@node(
    "SkipLayerGuidanceDiTSimple",
    category=GUIDANCE,
    title="SkipLayerGuidanceDiTSimple",
    experimental=True,
    outputs=("MODEL",),
)
def skip_layer_guidance_simple(
    model: Model,
    double_layers: str = "7, 8, 9",
    single_layers: str = "7, 8, 9",
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
) -> Model:
    """Leave out some layers of a transformer where it sees the negative prompt.

    Args:
        model: The model to guide so: a transformer, not a U-Net.
        double_layers: Numbers of layers that treat text and picture apart, with commas between.
        single_layers: Numbers of layers that treat them alike.
        start_percent: From when on, 0 to 1 of the sampling.
        end_percent: Until when.

    Returns:
        The model, guided so.
    """
    layers = WithoutLayers(numbers(double_layers), numbers(single_layers))
    between = (model.noise.percent_to_sigma(start_percent), model.noise.percent_to_sigma(end_percent))
    change = unwanted_is_shallow(layers, *between)
    return replace(model, guidance=model.guidance.and_before(change, always=False))


@node(
    "SkipLayerGuidanceSD3",
    category=GUIDANCE,
    title="SkipLayerGuidanceSD3",
    experimental=True,
    outputs=("MODEL",),
)
def skip_layer_guidance_sd3(
    model: Model,
    layers: str = "7, 8, 9",
    scale: Scale = 3.0,
    start_percent: Percent = 0.01,
    end_percent: Percent = 0.15,
) -> Model:
    """Guide Stable Diffusion 3 away from what it sees without some layers.

    Args:
        model: The model to guide so.
        layers: Numbers of layers, with commas between.
        scale: How strongly. Above 0 each step takes one call more.
        start_percent: From when on, 0 to 1 of the sampling.
        end_percent: Until when.

    Returns:
        The model, guided so.
    """
    between = (model.noise.percent_to_sigma(start_percent), model.noise.percent_to_sigma(end_percent))
    finish = away_from_shallow(WithoutLayers(numbers(layers)), scale, *between)
    return replace(model, guidance=model.guidance.and_after(finish))


def numbers(text: str) -> tuple[int, ...]:
    """The whole numbers in a text. Raises WorkflowError if anything else stands between commas or blanks."""
    words = re.split(r"[\s,]+", text.strip(" ,\n"))
    wrong = [word for word in words if word and not word.isdecimal()]
    if wrong:
        raise WorkflowError(
            f"Layers are told by numbers, and {wrong[0]!r} is none.",
            "Write numbers with commas, like 7, 8, 9.",
        )
    return tuple(int(word) for word in words if word)
