"""Nodes that mix two models into one."""

from typing import Annotated

from diffusion.merge import by_block, evenly, mixed, mixed_text
from diffusion.model import Model, TextEncoder
from graph.define import node
from graph.widgets import Fields, Range

Ratio = Annotated[float, Range(0.0, 1.0, step=0.01)]
Multiplier = Annotated[float, Range(-10.0, 10.0, step=0.01)]
SD1_BLOCKS = (
    "time_embed.",
    "label_emb.",
    *(f"input_blocks.{block}." for block in range(12)),
    *(f"middle_block.{block}." for block in range(3)),
    *(f"output_blocks.{block}." for block in range(12)),
    "out.",
)
SDXL_BLOCKS = (
    "time_embed.",
    "label_emb.",
    *(f"input_blocks.{block}" for block in range(9)),
    *(f"middle_block.{block}" for block in range(3)),
    *(f"output_blocks.{block}" for block in range(9)),
    "out.",
)


@node("ModelMergeSimple", category="advanced/model_merging", title="ModelMergeSimple", outputs=("MODEL",))
def model_merge_simple(model1: Model, model2: Model, ratio: Ratio = 1.0) -> Model:
    """Mix two models of one family.

    Args:
        model1: The first model.
        model2: The second model.
        ratio: How much of the first is in the mix.

    Returns:
        The mix.
    """
    return mixed(model1, model2, evenly(ratio, 1 - ratio))


@node("ModelMergeSubtract", category="advanced/model_merging", title="ModelMergeSubtract", outputs=("MODEL",))
def model_merge_subtract(model1: Model, model2: Model, multiplier: Multiplier = 1.0) -> Model:
    """Take what a model has beyond another, to add it to a third.

    Args:
        model1: The model that has more.
        model2: What it was made from.
        multiplier: How strong the difference is.

    Returns:
        The difference.
    """
    return mixed(model1, model2, evenly(multiplier, -multiplier))


@node("ModelMergeAdd", category="advanced/model_merging", title="ModelMergeAdd", outputs=("MODEL",))
def model_merge_add(model1: Model, model2: Model) -> Model:
    """Add a difference to a model.

    Args:
        model1: The model.
        model2: The difference.

    Returns:
        The sum.
    """
    return mixed(model1, model2, evenly(1.0, 1.0))


@node("ModelMergeBlocks", category="advanced/model_merging", title="ModelMergeBlocks", outputs=("MODEL",))
def model_merge_blocks(
    model1: Model, model2: Model, input: Ratio = 1.0, middle: Ratio = 1.0, out: Ratio = 1.0
) -> Model:
    """Mix two models of one family, with a ratio for each part.

    Args:
        model1: The first model.
        model2: The second model.
        input: How much of the first is in the blocks that take the picture in.
        middle: How much of the first is in the middle.
        out: How much of the first is in the blocks that give the picture out.

    Returns:
        The mix.
    """
    return mixed(model1, model2, by_block({"input": input, "middle": middle, "out": out}))


@node(
    "ModelMergeSD1",
    category="advanced/model_merging/model_specific",
    title="ModelMergeSD1",
    outputs=("MODEL",),
)
def model_merge_sd1(
    model1: Model, model2: Model, **ratios: Annotated[Ratio, Fields(SD1_BLOCKS, 1.0)]
) -> Model:
    """Mix two models of Stable Diffusion 1, with a ratio for each block.

    Args:
        model1: The first model.
        model2: The second model.
        ratios: How much of the first is in each block.

    Returns:
        The mix.
    """
    return mixed(model1, model2, by_block(ratios))


@node(
    "ModelMergeSD2",
    category="advanced/model_merging/model_specific",
    title="ModelMergeSD2",
    outputs=("MODEL",),
)
def model_merge_sd2(
    model1: Model, model2: Model, **ratios: Annotated[Ratio, Fields(SD1_BLOCKS, 1.0)]
) -> Model:
    """Mix two models of Stable Diffusion 2, with a ratio for each block.

    Args:
        model1: The first model.
        model2: The second model.
        ratios: How much of the first is in each block.

    Returns:
        The mix.
    """
    return mixed(model1, model2, by_block(ratios))


@node(
    "ModelMergeSDXL",
    category="advanced/model_merging/model_specific",
    title="ModelMergeSDXL",
    outputs=("MODEL",),
)
def model_merge_sdxl(
    model1: Model, model2: Model, **ratios: Annotated[Ratio, Fields(SDXL_BLOCKS, 1.0)]
) -> Model:
    """Mix two SDXL models, with a ratio for each block.

    Args:
        model1: The first model.
        model2: The second model.
        ratios: How much of the first is in each block.

    Returns:
        The mix.
    """
    return mixed(model1, model2, by_block(ratios))


@node("CLIPMergeSimple", category="advanced/model_merging", title="CLIPMergeSimple", outputs=("CLIP",))
def clip_merge_simple(clip1: TextEncoder, clip2: TextEncoder, ratio: Ratio = 1.0) -> TextEncoder:
    """Mix two text encoders of one family.

    Args:
        clip1: The first text encoder.
        clip2: The second text encoder.
        ratio: How much of the first is in the mix.

    Returns:
        The mix.
    """
    return mixed_text(clip1, clip2, evenly(ratio, 1 - ratio))


@node("CLIPMergeSubtract", category="advanced/model_merging", title="CLIPMergeSubtract", outputs=("CLIP",))
def clip_merge_subtract(clip1: TextEncoder, clip2: TextEncoder, multiplier: Multiplier = 1.0) -> TextEncoder:
    """Take what a text encoder has beyond another, to add it to a third.

    Args:
        clip1: The text encoder that has more.
        clip2: What it was made from.
        multiplier: How strong the difference is.

    Returns:
        The difference.
    """
    return mixed_text(clip1, clip2, evenly(multiplier, -multiplier))


@node("CLIPMergeAdd", category="advanced/model_merging", title="CLIPMergeAdd", outputs=("CLIP",))
def clip_merge_add(clip1: TextEncoder, clip2: TextEncoder) -> TextEncoder:
    """Add a difference to a text encoder.

    Args:
        clip1: The text encoder.
        clip2: The difference.

    Returns:
        The sum.
    """
    return mixed_text(clip1, clip2, evenly(1.0, 1.0))
