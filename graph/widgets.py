"""What stands inside `Annotated[...]` in a node's signature: limits, choices, pickers, looks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Le

from graph.workflow import Json

MAX_SEED = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Range(GroupedMetadata):
    """A number between `low` and `high`, both included: `Annotated[int, Range(1, 150)]`.

    `step` is one press of the editor's arrow keys, `round_to` what typed values snap to; neither is checked.
    `cut_to` says that the node uses the multiple of it below the value: another value is warned of.
    hypothesis reads it: `st.from_type` draws values within the limits.
    """

    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    round_to: float | None = None
    slider: bool = False
    cut_to: int | None = None

    def __iter__(self) -> Iterator[BaseMetadata]:
        if self.low is not None:
            yield Ge(self.low)
        if self.high is not None:
            yield Le(self.high)


@dataclass(frozen=True, slots=True)
class Rolls(GroupedMetadata):
    """A whole number that the editor can change between runs: fixed, random, up or down."""

    low: int = 0
    high: int = MAX_SEED

    def __iter__(self) -> Iterator[BaseMetadata]:
        yield Ge(self.low)
        yield Le(self.high)


Seed: TypeAlias = Annotated[int, Rolls()]
"""A seed, 0 to 2^64 - 1."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text box. `dynamic`: the editor picks one of `{a|b}` before a run."""

    multiline: bool = False
    placeholder: str = ""
    dynamic: bool = False


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """A choice from a list known when the module is imported: `OneOf(SAMPLERS)`; a dict gives its keys."""

    options: tuple[str | int | float, ...]

    def __init__(self, options: Iterable[str | int | float]) -> None:
        object.__setattr__(self, "options", tuple(options))


@dataclass(frozen=True, slots=True)
class FileIn:
    """The name of a file in one of the folders; `upload` lets the editor add one."""

    folder: str
    upload: bool = False


@dataclass(frozen=True, slots=True)
class Webcam:
    """The name of a picture in the input folder, which the editor takes with a camera."""

    socket: ClassVar[str] = "WEBCAM"


@dataclass(frozen=True, slots=True)
class Color:
    """A colour as "#rrggbb"."""


@dataclass(frozen=True, slots=True)
class Toggle:
    """A switch with captions of its own."""

    label_on: str = ""
    label_off: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """The input's real name, where that is no Python identifier."""

    name: str


@dataclass(frozen=True, slots=True)
class Socket:
    """The wire type of a value whose class does not say it: `Annotated[Curve, Socket("CURVE")]`."""

    socket: str


@dataclass(frozen=True, slots=True)
class Shown:
    """How an input stands in the editor, where the defaults are wrong.

    `wired_only`: no widget. `optional`: may be absent from a file, and then takes its default.
    """

    title: str | None = None
    tooltip: str = ""
    advanced: bool = False
    wired_only: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """How `*images: Annotated[Image, Row("image", least=2)]` grows: its inputs are `images.image0`, ...

    With `names` they are `images.red`, `images.green` instead.
    """

    prefix: str = ""
    least: int = 0
    most: int = 100
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, init=False)
class Fields:
    """The names that `**weights: Annotated[float, Fields(names, default=1.0)]` stands for."""

    names: tuple[str, ...]
    default: Json

    def __init__(self, names: Iterable[str], default: Json = None) -> None:
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "default", default)


@dataclass(frozen=True, slots=True)
class Variant:
    """A choice that brings inputs of its own: `Annotated[ByFactor | ToSize, Variant(CASES)]`.

    Each case is a NamedTuple or a dataclass; its fields are the inputs, and the node gets an instance of it.
    """

    cases: Mapping[str, type]
