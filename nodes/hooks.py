"""Nodes that give prompts weights of their own, such as LoRAs, with strengths that change as they act."""

import logging
from typing import Annotated

from diffusion.keyframes import CURVES, Keyframe, Keyframes, interpolated, spread
from diffusion.library import ModelLibrary
from diffusion.merge import Beyond
from diffusion.model import TextEncoder
from diffusion.weight_hooks import WeightHook, WeightHooks, united
from graph.define import node
from graph.widgets import FileIn, OneOf, Range, Shown, Socket

log = logging.getLogger(__name__)

CREATE, COMBINE, SCHEDULE = "advanced/hooks/create", "advanced/hooks/combine", "advanced/hooks/scheduling"
Strength = Annotated[float, Range(-20.0, 20.0, step=0.01)]
Multiplier = Annotated[float, Range(0.0, 10.0, step=0.001)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]
Floats = Annotated[tuple[float, ...], Socket("FLOATS"), Shown(wired_only=True)]
NONE = WeightHooks()


@node("CreateHookLora", category=CREATE, title="Create Hook LoRA", experimental=True, outputs=("HOOKS",))
def create_hook_lora(
    lora_name: Annotated[str, FileIn("loras")],
    strength_model: Strength = 1.0,
    strength_clip: Strength = 1.0,
    prev_hooks: WeightHooks | None = None,
    *,
    library: ModelLibrary,
) -> WeightHooks:
    """Make a LoRA act for certain prompts only.

    Args:
        lora_name: The file, in the loras folder.
        strength_model: How strongly the diffusion model is changed; negative values turn the effect round.
        strength_clip: How strongly the text encoder is changed.
        prev_hooks: Hooks that act before it.

    Returns:
        The LoRA after those; a prompt takes it, or a text encoder.
    """
    return _after(prev_hooks, WeightHook(library.lora(lora_name), strength_model, strength_clip))


@node(
    "CreateHookLoraModelOnly",
    category=CREATE,
    title="Create Hook LoRA (MO)",
    experimental=True,
    outputs=("HOOKS",),
)
def create_hook_lora_model_only(
    lora_name: Annotated[str, FileIn("loras")],
    strength_model: Strength = 1.0,
    prev_hooks: WeightHooks | None = None,
    *,
    library: ModelLibrary,
) -> WeightHooks:
    """Make a LoRA act for certain prompts only, on the diffusion model alone.

    Args:
        lora_name: The file, in the loras folder.
        strength_model: How strongly the model is changed; negative values turn the effect round.
        prev_hooks: Hooks that act before it.

    Returns:
        The LoRA after those.
    """
    return _after(prev_hooks, WeightHook(library.lora(lora_name), strength_model, 0.0))


@node(
    "CreateHookModelAsLora",
    category=CREATE,
    title="Create Hook Model as LoRA",
    experimental=True,
    outputs=("HOOKS",),
)
def create_hook_model_as_lora(
    ckpt_name: Annotated[str, FileIn("checkpoints")],
    strength_model: Strength = 1.0,
    strength_clip: Strength = 1.0,
    prev_hooks: WeightHooks | None = None,
    *,
    library: ModelLibrary,
) -> WeightHooks:
    """Make another checkpoint act for certain prompts only, as if its difference to the model were a LoRA.

    Args:
        ckpt_name: The file, in the checkpoints folder; it must be of the model's family.
        strength_model: How far the diffusion model is moved: 0 leaves it, 1 makes it the other.
        strength_clip: How far the text encoder is moved.
        prev_hooks: Hooks that act before it.

    Returns:
        The checkpoint after those.
    """
    model, text_encoder, _vae = library.checkpoint(ckpt_name)
    return _after(prev_hooks, WeightHook(Beyond(model, text_encoder), strength_model, strength_clip))


@node(
    "CreateHookModelAsLoraModelOnly",
    category=CREATE,
    title="Create Hook Model as LoRA (MO)",
    experimental=True,
    outputs=("HOOKS",),
)
def create_hook_model_as_lora_model_only(
    ckpt_name: Annotated[str, FileIn("checkpoints")],
    strength_model: Strength = 1.0,
    prev_hooks: WeightHooks | None = None,
    *,
    library: ModelLibrary,
) -> WeightHooks:
    """Make another checkpoint's diffusion model act for certain prompts only.

    Args:
        ckpt_name: The file, in the checkpoints folder; it must be of the model's family.
        strength_model: How far the diffusion model is moved: 0 leaves it, 1 makes it the other.
        prev_hooks: Hooks that act before it.

    Returns:
        The checkpoint after those.
    """
    return create_hook_model_as_lora(ckpt_name, strength_model, 0.0, prev_hooks, library=library)


@node("CombineHooks2", category=COMBINE, title="Combine Hooks [2]", experimental=True, outputs=("HOOKS",))
def combine_hooks_2(hooks_A: WeightHooks | None = None, hooks_B: WeightHooks | None = None) -> WeightHooks:
    """Let hooks act together; one that comes in twice acts once.

    Args:
        hooks_A: The first hooks.
        hooks_B: The second ones.

    Returns:
        All of them.
    """
    return _combined(hooks_A, hooks_B)


@node("CombineHooks4", category=COMBINE, title="Combine Hooks [4]", experimental=True, outputs=("HOOKS",))
def combine_hooks_4(
    hooks_A: WeightHooks | None = None,
    hooks_B: WeightHooks | None = None,
    hooks_C: WeightHooks | None = None,
    hooks_D: WeightHooks | None = None,
) -> WeightHooks:
    """Let hooks act together; one that comes in twice acts once.

    Args:
        hooks_A: The first hooks.
        hooks_B: The second ones.
        hooks_C: The third ones.
        hooks_D: The fourth ones.

    Returns:
        All of them.
    """
    return _combined(hooks_A, hooks_B, hooks_C, hooks_D)


@node("CombineHooks8", category=COMBINE, title="Combine Hooks [8]", experimental=True, outputs=("HOOKS",))
def combine_hooks_8(
    hooks_A: WeightHooks | None = None,
    hooks_B: WeightHooks | None = None,
    hooks_C: WeightHooks | None = None,
    hooks_D: WeightHooks | None = None,
    hooks_E: WeightHooks | None = None,
    hooks_F: WeightHooks | None = None,
    hooks_G: WeightHooks | None = None,
    hooks_H: WeightHooks | None = None,
) -> WeightHooks:
    """Let hooks act together; one that comes in twice acts once.

    Args:
        hooks_A: The first hooks.
        hooks_B: The second ones.
        hooks_C: The third ones.
        hooks_D: The fourth ones.
        hooks_E: The fifth ones.
        hooks_F: The sixth ones.
        hooks_G: The seventh ones.
        hooks_H: The eighth ones.

    Returns:
        All of them.
    """
    return _combined(hooks_A, hooks_B, hooks_C, hooks_D, hooks_E, hooks_F, hooks_G, hooks_H)


@node(
    "CreateHookKeyframe",
    category=SCHEDULE,
    title="Create Hook Keyframe",
    experimental=True,
    outputs=("HOOK_KF",),
)
def create_hook_keyframe(
    strength_mult: Strength = 1.0, start_percent: Percent = 0.0, prev_hook_kf: Keyframes | None = None
) -> Keyframes:
    """Say how strongly hooks act from some part of the sampling on.

    Args:
        strength_mult: What their strength is multiplied by. The earliest keyframe's holds from the beginning.
        start_percent: From where on; 0 is the beginning, when the picture is all noise.
        prev_hook_kf: More keyframes.

    Returns:
        All keyframes.
    """
    return (prev_hook_kf or Keyframes()).and_also(Keyframe(start_percent, strength_mult))


@node(
    "CreateHookKeyframesInterpolated",
    category=SCHEDULE,
    title="Create Hook Keyframes Interp.",
    experimental=True,
    outputs=("HOOK_KF",),
)
def create_hook_keyframes_interpolated(
    strength_start: Multiplier = 1.0,
    strength_end: Multiplier = 1.0,
    interpolation: Annotated[str, OneOf(CURVES)] = "linear",
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    keyframes_count: Annotated[int, Range(2, 100, step=1)] = 5,
    print_keyframes: bool = False,
    prev_hook_kf: Keyframes | None = None,
) -> Keyframes:
    """Let the strength of hooks go from one value to another in small steps.

    Args:
        strength_start: What their strength is multiplied by at first.
        strength_end: What it is multiplied by at last.
        interpolation: Evenly, slow at first, slow at last, or slow at both ends.
        start_percent: The part of the sampling where it begins to change.
        end_percent: Where it has changed.
        keyframes_count: In how many steps.
        print_keyframes: Write the keyframes into the log.
        prev_hook_kf: More keyframes.

    Returns:
        All keyframes.
    """
    first, last = Keyframe(start_percent, strength_start), Keyframe(end_percent, strength_end)
    made = interpolated(first, last, keyframes_count, interpolation)
    return _with(prev_hook_kf, made, print_keyframes)


@node(
    "CreateHookKeyframesFromFloats",
    category=SCHEDULE,
    title="Create Hook Keyframes From Floats",
    experimental=True,
    outputs=("HOOK_KF",),
)
def create_hook_keyframes_from_floats(
    floats_strength: Floats,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    print_keyframes: bool = False,
    prev_hook_kf: Keyframes | None = None,
) -> Keyframes:
    """Let the strength of hooks follow a list of numbers.

    Args:
        floats_strength: What their strength is multiplied by, one number after another.
        start_percent: The part of the sampling where the first number holds.
        end_percent: Where the last one does; the others lie between at even distances.
        print_keyframes: Write the keyframes into the log.
        prev_hook_kf: More keyframes.

    Returns:
        All keyframes.
    """
    return _with(prev_hook_kf, spread(floats_strength, start_percent, end_percent), print_keyframes)


@node(
    "SetHookKeyframes",
    category=SCHEDULE,
    title="Set Hook Keyframes",
    experimental=True,
    outputs=("HOOKS",),
)
def set_hook_keyframes(hooks: WeightHooks, hook_kf: Keyframes | None = None) -> WeightHooks:
    """Let hooks act as strongly as keyframes say, in place of those they have.

    Args:
        hooks: The hooks.
        hook_kf: The keyframes; without any nothing changes.

    Returns:
        The hooks with these keyframes.
    """
    return hooks if hook_kf is None else hooks.with_keyframes(hook_kf)


@node(
    "SetClipHooks",
    category="advanced/hooks/clip",
    title="Set CLIP Hooks",
    experimental=True,
    outputs=("CLIP",),
)
def set_clip_hooks(
    clip: TextEncoder,
    apply_to_conds: bool = True,
    schedule_clip: bool = False,
    hooks: WeightHooks | None = None,
) -> TextEncoder:
    """Encode prompts with hooks on the text encoder.

    Args:
        clip: The text encoder.
        apply_to_conds: On for the hooks to act on the diffusion model too, for the prompts encoded with this.
        schedule_clip: On to encode a prompt anew for each strength that the keyframes give; off to encode it
            once, with the hooks' own strength.
        hooks: The hooks, in place of those it has; without any nothing changes.

    Returns:
        The text encoder with the hooks.
    """
    return clip if hooks is None else clip.with_hooks(hooks.hooks, schedule_clip, apply_to_conds)


def _after(before: WeightHooks | None, hook: WeightHook) -> WeightHooks:
    return WeightHooks((*(before or NONE).hooks, hook))


def _combined(*groups: WeightHooks | None) -> WeightHooks:
    return WeightHooks(united(*(group.hooks for group in groups if group)))


def _with(before: Keyframes | None, made: tuple[Keyframe, ...], told: bool) -> Keyframes:
    if told:
        log.info("keyframes: %s", ", ".join(f"{each.strength:.3f} from {each.start:.3f}" for each in made))
    return (before or Keyframes()).and_also(*made)
