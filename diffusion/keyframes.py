"""How strongly something acts over the sampling: strengths, each from some part of it on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from types import MappingProxyType
from typing import ClassVar, NamedTuple

CURVES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "linear": lambda part: part,
        "ease_in": lambda part: part**2,
        "ease_out": lambda part: 1 - (1 - part) ** 2,
        "ease_in_out": lambda part: (1 - cos(pi * part)) / 2,
    }
)
"""How much of a change has happened after a part of the way, both 0 to 1."""


class Keyframe(NamedTuple):
    """A strength, and the part of the sampling, 0 to 1, from which on it holds."""

    start: float
    strength: float


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Keyframes:
    """Strengths in the order in which they hold. Without any, the strength is 1 all the time.

    The first one holds from the beginning, wherever it stands; of several at one place, the last one given.
    One that a step of the sampling passes, and the next one with it, never holds.
    """

    frames: tuple[Keyframe, ...] = ()
    socket: ClassVar[str] = "HOOK_KEYFRAMES"

    def and_also(self, *frames: Keyframe) -> "Keyframes":
        """These and more, each in its place."""
        return Keyframes(tuple(sorted((*self.frames, *frames), key=lambda frame: frame.start)))

    def strength(self, is_reached: Callable[[float], bool]) -> float:
        """The strength at a moment, by whether it has reached a part of the sampling."""
        reached = [frame for frame in self.frames if is_reached(frame.start)] or self.frames[:1]
        return reached[-1].strength if reached else 1.0

    @property
    def strengths(self) -> set[float]:
        """Every strength there is."""
        return {frame.strength for frame in self.frames} or {1.0}


def spread(strengths: Sequence[float], start: float, end: float) -> tuple[Keyframe, ...]:
    """Strengths at even distances from one part of the sampling to another, both included.

    One alone stands at the start.
    """
    gaps = max(len(strengths) - 1, 1)
    return tuple(
        Keyframe(start + (end - start) * place / gaps, strength) for place, strength in enumerate(strengths)
    )


def interpolated(first: Keyframe, last: Keyframe, count: int, curve: str) -> tuple[Keyframe, ...]:
    """So many keyframes from one to another, two or more, their strengths along one of `CURVES`."""
    change = last.strength - first.strength
    parts = [CURVES[curve](place / (count - 1)) for place in range(count)]
    return spread([first.strength + change * part for part in parts], first.start, last.start)
