"""What a node is: pure data that describes it (`NodeSpec`), and what runs it (`Implementation`, a Protocol).

The description travels as JSON to the server and the editor; the implementation never leaves the worker.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, TypeVar

from graph.errors import Problem
from graph.workflow import Json

T = TypeVar("T")
WidgetKind: TypeAlias = Literal["number", "text", "choice", "toggle", "seed", "file", "color", "webcam"]


@dataclass(frozen=True, slots=True)
class Widget:
    """How a value is edited. Which fields count depends on `kind`.

    number: low, high, step, round_to, slider, cut_to (whole when the input's type is INT)
    text: multiline, placeholder, dynamic     choice: options       toggle: label_on, label_off
    seed: low, high                           file: folder, upload  color: none (the value is "#rrggbb")
    webcam: folder (where the pictures are that the camera took)
    """

    kind: WidgetKind
    low: int | float | None = None
    high: int | float | None = None
    step: float | None = None
    round_to: float | None = None
    slider: bool = False
    multiline: bool = False
    placeholder: str = ""
    dynamic: bool = False
    options: tuple[str | int | float, ...] = ()
    label_on: str = ""
    label_off: str = ""
    folder: str = ""
    upload: bool = False
    cut_to: int | None = None


@dataclass(frozen=True, slots=True)
class Grows:
    """A row of inputs that grows: `images` has inputs `images.image0`, `images.image1`, ..."""

    prefix: str
    least: int = 0
    most: int = 100
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a variant input, and the inputs it brings: `resize_type` and then `resize_type.width`.

    The inputs are named here without the prefix (`width`); `graph.declared` adds it. The variant itself is a
    COMBO whose widget offers the keys.
    """

    key: str
    inputs: "tuple[Input, ...]" = ()


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a node.

    `type` is a wire type such as `IMAGE` or `INT`; a union is `A,B`; `*` takes anything. Inputs and outputs
    that share a `template` agree on one type. What has a `widget` can be edited in place, and also wired.
    """

    name: str
    type: str
    widget: Widget | None = None
    default: Json = None
    optional: bool = False
    lazy: bool = False
    takes_list: bool = False
    template: str | None = None
    grows: Grows | None = None
    options: tuple[Option, ...] = ()
    title: str | None = None
    tooltip: str = ""
    advanced: bool = False


def folder_of(wanted: Input) -> str | None:
    """The folder of which an input names a file; None if it names none."""
    widget = wanted.widget
    return widget.folder if widget is not None and widget.kind in ("file", "webcam") else None


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a node. `gives_list`: what follows runs once for each item."""

    name: str
    type: str
    gives_list: bool = False
    template: str | None = None
    title: str | None = None
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """Everything anybody but the worker needs to know about a node type. Pure data."""

    type: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    title: str = ""
    category: str = ""
    description: str = ""
    pack: str = ""
    version: int = 1
    terminal: bool = False
    """A node that saves or shows: it is what a run is for."""
    cache: bool = True
    is_async: bool = False
    has_validator: bool = False
    """Its values must also be checked by the worker before a run is accepted."""
    has_dynamic_inputs: bool = False
    upgrades_from: tuple[int, ...] = ()
    """The older versions whose saved values the worker can bring up to date."""
    keyed_by_id: bool = False
    """Two nodes of this type never share a result."""
    grad: bool = False
    """It trains: it runs without inference mode."""
    deprecated: bool = False
    experimental: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """In place of a value: what needs it is passed over. With a message, the first such node reports it."""

    message: str | None = None


@dataclass(frozen=True, slots=True)
class ExpandedNode:
    """One node that stands in for the node that returned it. Links are pairs (node id, output name)."""

    type: str
    literals: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    shown_as: str | None = None


@dataclass(frozen=True, slots=True)
class From:
    """In a `Result`'s outputs: the value is that of an output of an expanded node."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one call of a node gives: a value for each output, what it shows, and the nodes that replace it.

    An output is a value, a `Blocked`, or (with `expand`) a `From`. `shown` is plain JSON for the editor.
    """

    outputs: tuple[object, ...] = ()
    shown: tuple[Mapping[str, Json], ...] = ()
    expand: Mapping[str, ExpandedNode] = field(default_factory=dict)


class Host(Protocol):
    """What a running node may ask of the program around it. One host serves one call of one node."""

    node: str

    def service(self, kind: type[T]) -> T:
        """The service of that type. Raises LookupError if this program has none."""

    def check(self) -> None:
        """Raises Interrupted if the run was cancelled."""


class Implementation(Protocol):
    """Runs a node of one type. The engine keeps one `state` per (node, type) between runs and gives it."""

    @property
    def spec(self) -> NodeSpec:
        """What describes it."""

    def inputs(self, values: Mapping[str, object]) -> Sequence[Input]:
        """The inputs this node has, given the literals and the names of the links it was written with."""

    def validate(self, values: Mapping[str, object]) -> Sequence[Problem]:
        """Faults in the values; a linked input is None. Only asked if `spec.has_validator`."""

    def fingerprint(self, values: Mapping[str, object], host: Host) -> Json:
        """What else the result depends on. NaN means: never equal to anything.

        A linked input is None, but for one that names a file, or a list of the names that arrived.
        """

    def needs(self, values: Mapping[str, object], state: object) -> Sequence[str]:
        """The lazy inputs wanted next, given those known so far; asked again until it names no new one."""

    def new_state(self) -> object:
        """The object kept for one node between runs (None for plain functions)."""

    def call(self, inputs: Mapping[str, object], host: Host, state: object) -> "Result | Awaitable[Result]":
        """Run once. Raises whatever the node raises.

        `inputs` are by full name (`images.image0`, `resize_type.width`); what is neither wired nor written
        may be missing, and then takes the signature's default. Lazy inputs of an async node arrive as `Lazy`.
        """
