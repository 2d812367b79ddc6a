"""Weights that are added for some prompts only, by keyframes: LoRAs, and what other checkpoints have beyond.

A hook is created without a model; what it does to a network is known when the two meet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import ge
from typing import ClassVar, NamedTuple, Protocol

from diffusion.errors import FamilyMismatch
from diffusion.keyframes import Keyframes
from diffusion.memory import Handle, Patch


class Source(Protocol):
    """Where the weights that a hook adds come from."""

    @property
    def name(self) -> str:
        """The file."""

    def on(self, network: Handle, tower: str | None) -> Callable[[float], Patch] | None:
        """The patch on a network, by its strength; None if nothing of it has a place there.

        tower: which text encoder the network is; None is a diffusion model.
        Raises FamilyMismatch if it has a place, but another shape.
        """


@dataclass(frozen=True, slots=True, eq=False)
class WeightHook:
    """Weights to add, how strongly, and how that changes over the sampling.

    Two hooks with the same values are two hooks, and add up.
    """

    source: Source
    strength_model: float = 1.0
    strength_text: float = 1.0
    keyframes: Keyframes = field(default_factory=Keyframes)

    def strength(self, tower: str | None) -> float:
        """The strength on a text encoder, or without one on the diffusion model, before keyframes."""
        return self.strength_model if tower is None else self.strength_text


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class WeightHooks:
    """Hooks that act together, in order."""

    hooks: tuple[WeightHook, ...] = ()
    socket: ClassVar[str] = "HOOKS"

    def with_keyframes(self, keyframes: Keyframes) -> "WeightHooks":
        """The same hooks with other keyframes."""
        return WeightHooks(tuple(replace(hook, keyframes=keyframes) for hook in self.hooks))


def united(*groups: Iterable[WeightHook]) -> tuple[WeightHook, ...]:
    """All hooks of all groups, in order, each once."""
    return tuple(dict.fromkeys(hook for group in groups for hook in group))


@dataclass(frozen=True, slots=True, eq=False)
class HookPatches:
    """The patches of hooks on one network, made once, so that a strength that stays is the same patch.

    made: by source and strength. tower: as in `Source.on`.
    """

    made: Mapping[tuple[Source, float], Patch]
    tower: str | None = None

    def of(self, hooks: Iterable[WeightHook], is_reached: Callable[[float], bool]) -> tuple[Patch, ...]:
        """Those that act at a moment, by whether it has reached a part of the sampling."""
        wanted = (
            (hook.source, hook.strength(self.tower) * hook.keyframes.strength(is_reached)) for hook in hooks
        )
        return tuple(patch for each in wanted if (patch := self.made.get(each)) is not None)


def hook_patches(
    hooks: Iterable[WeightHook], network: Handle, tower: str | None = None, title: str = ""
) -> HookPatches:
    """Everything that hooks ever do to a network. title: of the family of a diffusion model.

    Raises FamilyMismatch if one does not fit it.
    """
    wanted: dict[Source, set[float]] = {}
    for hook in hooks:
        strengths = {hook.strength(tower) * each for each in hook.keyframes.strengths} - {0.0}
        wanted.setdefault(hook.source, set()).update(strengths)
    made: dict[tuple[Source, float], Patch] = {}
    for source, strengths in wanted.items():
        patch = source.on(network, tower) if strengths else None
        if strengths and patch is None and tower is None:
            raise FamilyMismatch(
                f"The hook {source.name} does not fit {title}: nothing in it has a place there.",
                "Choose a file made for this family of models, or set the hook's strength_model to 0.",
            )
        made |= {(source, strength): patch(strength) for strength in strengths if patch is not None}
    return HookPatches(made, tower)


class Phase(NamedTuple):
    """A part of the sampling, 0 to 1, and the patches that act in it."""

    start: float
    end: float
    patches: tuple[tuple[Patch, ...], ...]


def phases(hooks: Sequence[WeightHook], networks: Sequence[HookPatches]) -> list[Phase]:
    """The whole sampling, cut where the patches of hooks on one of these networks change."""
    starts = {0.0, *(frame.start for hook in hooks for frame in hook.keyframes.frames)} - {1.0}
    found: list[Phase] = []
    for start in sorted(starts):
        patches = tuple(each.of(hooks, partial(ge, start)) for each in networks)
        if found and found[-1].patches == patches:
            continue
        if found:
            found[-1] = found[-1]._replace(end=start)
        found.append(Phase(start, 1.0, patches))
    return found
