"""Nodes that say where, when and how strongly prompts act, one by one or positive and negative in pairs."""

from typing import Annotated, Literal, NamedTuple

from diffusion.conditioning import Properties, filling_rest, together
from diffusion.inpaint import as_noise_mask
from diffusion.values import Conditioning, Mask, TimestepsRange
from diffusion.weight_hooks import WeightHook, WeightHooks
from graph.define import node
from graph.widgets import Range

RANGES, SINGLE, PAIRS = "advanced/hooks", "advanced/hooks/cond single", "advanced/hooks/cond pair"
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]
Strength = Annotated[float, Range(0.0, 10.0, step=0.01)]
Shown = Literal["default", "mask bounds"]
PAIR = ("positive", "negative")


class Ranges(NamedTuple):
    """A part of the sampling, and what lies before and after it."""

    inside: TimestepsRange
    before: TimestepsRange
    after: TimestepsRange


class Pair(NamedTuple):
    """What a picture should show, and what it should not."""

    positive: Conditioning
    negative: Conditioning


@node(
    "ConditioningTimestepsRange",
    category=RANGES,
    title="Timesteps Range",
    experimental=True,
    outputs=("TIMESTEPS_RANGE", "BEFORE_RANGE", "AFTER_RANGE"),
)
def conditioning_timesteps_range(start_percent: Percent = 0.0, end_percent: Percent = 1.0) -> Ranges:
    """Name a part of the sampling, for prompts to act in.

    Args:
        start_percent: Where it begins; 0 is the beginning, when the picture is all noise.
        end_percent: Where it ends; 1 is the end.

    Returns:
        inside: The part.
        before: All before it.
        after: All after it.
    """
    return Ranges(
        TimestepsRange(start_percent, end_percent),
        TimestepsRange(0.0, start_percent),
        TimestepsRange(end_percent, 1.0),
    )


@node(
    "ConditioningSetDefaultCombine",
    category=SINGLE,
    title="Cond Set Default Combine",
    experimental=True,
    outputs=("CONDITIONING",),
)
def conditioning_set_default_combine(
    cond: Conditioning, cond_DEFAULT: Conditioning, hooks: WeightHooks | None = None
) -> Conditioning:
    """Let a second prompt act where the first leaves room.

    Args:
        cond: The first prompt, or several with masks or areas.
        cond_DEFAULT: The prompt for the rest of the picture.
        hooks: Weights, such as a LoRA's, that the model has for that one alone, beside those it has already.

    Returns:
        Both.
    """
    return filling_rest(cond, cond_DEFAULT, _of(hooks))


@node(
    "ConditioningSetProperties",
    category=SINGLE,
    title="Cond Set Props",
    experimental=True,
    outputs=("CONDITIONING",),
)
def conditioning_set_properties(
    cond_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Shown = "default",
    mask: Mask | None = None,
    hooks: WeightHooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Conditioning:
    """Say how strongly, where and when a prompt acts.

    Args:
        cond_NEW: The prompt.
        strength: How much it counts where several prompts act.
        set_cond_area: "mask bounds" shows the network only the mask's surroundings.
        mask: Where it acts.
        hooks: Weights, such as a LoRA's, that the model has for it alone, beside those it has already.
        timesteps: In which part of the sampling.

    Returns:
        The prompt in its place and time.
    """
    return _properties(strength, set_cond_area, mask, hooks, timesteps).on(cond_NEW)


@node(
    "ConditioningSetPropertiesAndCombine",
    category=SINGLE,
    title="Cond Set Props Combine",
    experimental=True,
    outputs=("CONDITIONING",),
)
def conditioning_set_properties_and_combine(
    cond: Conditioning,
    cond_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Shown = "default",
    mask: Mask | None = None,
    hooks: WeightHooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Conditioning:
    """Add a prompt to others, and say how strongly, where and when it acts.

    Args:
        cond: The others.
        cond_NEW: The prompt to add.
        strength: How much it counts where several prompts act.
        set_cond_area: "mask bounds" shows the network only the mask's surroundings.
        mask: Where it acts.
        hooks: Weights, such as a LoRA's, that the model has for it alone, beside those it has already.
        timesteps: In which part of the sampling.

    Returns:
        All together.
    """
    return together(cond, _properties(strength, set_cond_area, mask, hooks, timesteps).on(cond_NEW))


@node("PairConditioningCombine", category=PAIRS, title="Cond Pair Combine", experimental=True, outputs=PAIR)
def pair_conditioning_combine(
    positive_A: Conditioning, negative_A: Conditioning, positive_B: Conditioning, negative_B: Conditioning
) -> Pair:
    """Let two pairs of prompts act side by side.

    Args:
        positive_A: What the picture should show.
        negative_A: What it should not.
        positive_B: What it should show besides.
        negative_B: What it should not show besides.

    Returns:
        positive: Both positive prompts.
        negative: Both negative prompts.
    """
    return Pair(together(positive_A, positive_B), together(negative_A, negative_B))


@node(
    "PairConditioningSetDefaultCombine",
    category=PAIRS,
    title="Cond Pair Set Default Combine",
    experimental=True,
    outputs=PAIR,
)
def pair_conditioning_set_default_combine(
    positive: Conditioning,
    negative: Conditioning,
    positive_DEFAULT: Conditioning,
    negative_DEFAULT: Conditioning,
    hooks: WeightHooks | None = None,
) -> Pair:
    """Let a second pair of prompts act where the first leaves room.

    Args:
        positive: What the picture should show in places.
        negative: What it should not show there.
        positive_DEFAULT: What it should show elsewhere.
        negative_DEFAULT: What it should not show elsewhere.
        hooks: Weights, such as a LoRA's, that the model has for the second pair alone, beside those it has.

    Returns:
        positive: Both positive prompts.
        negative: Both negative prompts.
    """
    added = _of(hooks)
    return Pair(
        filling_rest(positive, positive_DEFAULT, added), filling_rest(negative, negative_DEFAULT, added)
    )


@node(
    "PairConditioningSetProperties",
    category=PAIRS,
    title="Cond Pair Set Props",
    experimental=True,
    outputs=PAIR,
)
def pair_conditioning_set_properties(
    positive_NEW: Conditioning,
    negative_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Shown = "default",
    mask: Mask | None = None,
    hooks: WeightHooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Pair:
    """Say how strongly, where and when a pair of prompts acts.

    Args:
        positive_NEW: What the picture should show.
        negative_NEW: What it should not.
        strength: How much they count where several prompts act.
        set_cond_area: "mask bounds" shows the network only the mask's surroundings.
        mask: Where they act.
        hooks: Weights, such as a LoRA's, that the model has for them alone, beside those they have already.
        timesteps: In which part of the sampling.

    Returns:
        positive: The positive prompt in its place and time.
        negative: The negative prompt.
    """
    properties = _properties(strength, set_cond_area, mask, hooks, timesteps)
    return Pair(properties.on(positive_NEW), properties.on(negative_NEW))


@node(
    "PairConditioningSetPropertiesAndCombine",
    category=PAIRS,
    title="Cond Pair Set Props Combine",
    experimental=True,
    outputs=PAIR,
)
def pair_conditioning_set_properties_and_combine(
    positive: Conditioning,
    negative: Conditioning,
    positive_NEW: Conditioning,
    negative_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Shown = "default",
    mask: Mask | None = None,
    hooks: WeightHooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Pair:
    """Add a pair of prompts to another, and say how strongly, where and when it acts.

    Args:
        positive: What the picture should show.
        negative: What it should not.
        positive_NEW: What to add to it.
        negative_NEW: What to add to that.
        strength: How much these count where several prompts act.
        set_cond_area: "mask bounds" shows the network only the mask's surroundings.
        mask: Where they act.
        hooks: Weights, such as a LoRA's, that the model has for them alone, beside those they have already.
        timesteps: In which part of the sampling.

    Returns:
        positive: All positive prompts.
        negative: All negative prompts.
    """
    properties = _properties(strength, set_cond_area, mask, hooks, timesteps)
    return Pair(
        together(positive, properties.on(positive_NEW)), together(negative, properties.on(negative_NEW))
    )


def _properties(
    strength: float, shown: Shown, mask: Mask | None, hooks: WeightHooks | None, times: TimestepsRange | None
) -> Properties:
    planes = None if mask is None else as_noise_mask(mask)[:, 0]
    return Properties(strength, planes, shown == "mask bounds", times, _of(hooks))


def _of(hooks: WeightHooks | None) -> tuple[WeightHook, ...]:
    return hooks.hooks if hooks else ()
