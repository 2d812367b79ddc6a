"""Nodes that say where, when and how strongly a prompt acts."""

from dataclasses import replace
from typing import Annotated, Literal

from diffusion.conditioning import together
from diffusion.inpaint import as_noise_mask
from diffusion.values import Conditioning, Mask, Prompt
from graph.define import node
from graph.widgets import Range

Length = Annotated[int, Range(64, 16384, step=8, cut_to=8)]
Offset = Annotated[int, Range(0, 16384, step=8, cut_to=8)]
Fraction = Annotated[float, Range(0, 1.0, step=0.01)]
Strength = Annotated[float, Range(0.0, 10.0, step=0.01)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]


@node(
    "ConditioningCombine", category="conditioning", title="Conditioning (Combine)", outputs=("CONDITIONING",)
)
def conditioning_combine(conditioning_1: Conditioning, conditioning_2: Conditioning) -> Conditioning:
    """Let two prompts act side by side; where both act, their answers are averaged.

    Args:
        conditioning_1: One prompt.
        conditioning_2: The other.

    Returns:
        Both.
    """
    return together(conditioning_1, conditioning_2)


@node(
    "ConditioningSetArea", category="conditioning", title="Conditioning (Set Area)", outputs=("CONDITIONING",)
)
def conditioning_set_area(
    conditioning: Conditioning,
    width: Length = 64,
    height: Length = 64,
    x: Offset = 0,
    y: Offset = 0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a prompt act in a rectangle only.

    Args:
        conditioning: The prompt.
        width: Of the rectangle, in pixels.
        height: Of the rectangle, in pixels.
        x: Pixels from the left.
        y: Pixels from the top.
        strength: How much it counts where several prompts act.

    Returns:
        The prompt in its place.
    """
    area = (height // 8, width // 8, y // 8, x // 8)
    return conditioning.each(lambda entry: _in_area(entry, area, False, strength))


@node(
    "ConditioningSetAreaPercentage",
    category="conditioning",
    title="Conditioning (Set Area with Percentage)",
    outputs=("CONDITIONING",),
)
def conditioning_set_area_percentage(
    conditioning: Conditioning,
    width: Fraction = 1.0,
    height: Fraction = 1.0,
    x: Fraction = 0,
    y: Fraction = 0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a prompt act in a part of the picture only, whatever its size.

    Args:
        conditioning: The prompt.
        width: Of the rectangle; 1 is all of the picture.
        height: Of the rectangle; 1 is all of the picture.
        x: How far from the left, 0 to 1.
        y: How far from the top, 0 to 1.
        strength: How much it counts where several prompts act.

    Returns:
        The prompt in its place.
    """
    return conditioning.each(lambda entry: _in_area(entry, (height, width, y, x), True, strength))


def _in_area(
    entry: Prompt, area: tuple[float, float, float, float], is_fraction: bool, strength: float
) -> Prompt:
    return replace(entry, area=area, area_is_fraction=is_fraction, strength=strength, mask_sets_area=False)


@node("ConditioningSetAreaStrength", category="conditioning", outputs=("CONDITIONING",))
def conditioning_set_area_strength(conditioning: Conditioning, strength: Strength = 1.0) -> Conditioning:
    """Say how much a prompt counts where several act.

    Args:
        conditioning: The prompt.
        strength: 2 counts twice.

    Returns:
        The prompt with its strength.
    """
    return conditioning.each(lambda entry: replace(entry, strength=strength))


@node(
    "ConditioningSetMask", category="conditioning", title="Conditioning (Set Mask)", outputs=("CONDITIONING",)
)
def conditioning_set_mask(
    conditioning: Conditioning,
    mask: Mask,
    strength: Strength = 1.0,
    set_cond_area: Literal["default", "mask bounds"] = "default",
) -> Conditioning:
    """Let a prompt act where a mask selects.

    Args:
        conditioning: The prompt.
        mask: Where it acts.
        strength: How much it counts where several prompts act.
        set_cond_area: "mask bounds" shows the network only the mask's surroundings.

    Returns:
        The prompt with its mask.
    """
    bounds, planes = set_cond_area == "mask bounds", as_noise_mask(mask)[:, 0]
    return conditioning.each(
        lambda entry: replace(entry, mask=planes, mask_strength=strength, mask_sets_area=bounds)
    )


@node("ConditioningSetTimestepRange", category="advanced/conditioning", outputs=("CONDITIONING",))
def conditioning_set_timestep_range(
    conditioning: Conditioning, start: Percent = 0.0, end: Percent = 1.0
) -> Conditioning:
    """Let a prompt act in a part of the sampling only.

    Args:
        conditioning: The prompt.
        start: 0 is the beginning, when the picture is all noise.
        end: 1 is the end.

    Returns:
        The prompt in its time.
    """
    return conditioning.each(lambda entry: replace(entry, start=start, end=end))
