"""What the server and its worker say to each other: one length and one MessagePack map per message.

Whole runs and plain data travel; tensors and large files never do. The kind of a message tells its class.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from graph.errors import Problem
from graph.events import Event
from graph.workflow import Json
from server import api
from server.assets import Item

HEAD = struct.Struct(">I")
LARGEST = 256 << 20
"""No message has more bytes; a length above it means that the stream is broken."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is started with. `modules` of built-in nodes are left out where `builtin_nodes` is off.

    `deadly` packs, by name with the reason, are not imported, because that ended a worker before. `threads` 0
    leaves the number of CPU threads to the machine. `converted` is the folder for pickled weights once they
    are safetensors; without it they are refused. `compiled` is the folder for what torch's compiler makes.
    Without built-in nodes nothing imports torch.
    """

    models: tuple[str, ...]
    input: str
    output: str
    temp: str
    converted: str = ""
    compiled: str = ""
    packs: tuple[str, ...] = ()
    deadly: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    cache_bytes: int = 2 << 30
    heartbeat_seconds: float = 5.0
    builtin_nodes: bool = True
    version: str = ""
    log_level: str = "info"
    log_json: bool = False
    kind: Literal["settings"] = "settings"


@dataclass(frozen=True, slots=True)
class Execute:
    """Run this document up to the targets, or to every terminal node."""

    run: str
    attempt: int
    workflow: str
    targets: tuple[str, ...] | None = None
    kind: Literal["execute"] = "execute"


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel the run, if it is still the one that runs."""

    run: str
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Prepare:
    """Bring the document up to date and ask the nodes that check their own values."""

    number: int
    workflow: str
    kind: Literal["prepare"] = "prepare"


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to `Show`: the items under their final names, or why they could not be kept."""

    run: str
    node: str
    items: tuple[Mapping[str, Json], ...] = ()
    problem: Problem | None = None
    kind: Literal["kept"] = "kept"


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether anybody looks at previews."""

    watched: bool
    kind: Literal["watch"] = "watch"


@dataclass(frozen=True, slots=True)
class Free:
    """Let go of models and results, once no run uses them."""

    kind: Literal["free"] = "free"


@dataclass(frozen=True, slots=True)
class Importing:
    """The worker is about to import this node pack."""

    pack: str
    kind: Literal["importing"] = "importing"


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported its nodes: these, on this device."""

    catalog: api.Catalog
    device: api.Device
    kind: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class Unable:
    """The worker cannot start, and why: a sentence. It ends after this."""

    reason: str
    kind: Literal["unable"] = "unable"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker lives. `signs` counts what its nodes reported, `busy` whether one computes."""

    signs: int
    cpu_seconds: float
    busy: bool
    device: api.Device
    kind: Literal["heartbeat"] = "heartbeat"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The answer to `Prepare`."""

    number: int
    workflow: str
    problems: tuple[Problem, ...]
    kind: Literal["prepared"] = "prepared"


@dataclass(frozen=True, slots=True)
class Began:
    """The run is planned; it has this many nodes."""

    run: str
    total: int
    kind: Literal["began"] = "began"


@dataclass(frozen=True, slots=True)
class Happened:
    """Something the world should hear. `event` is one of `graph.events` as plain data."""

    run: str
    event: Mapping[str, Any]
    kind: Literal["happened"] = "happened"


@dataclass(frozen=True, slots=True)
class Show:
    """All that a node shows. To be answered with `Kept`."""

    run: str
    node: str
    items: tuple[Item, ...]
    kind: Literal["show"] = "show"


@dataclass(frozen=True, slots=True)
class Previewed:
    """A small picture of what a node is making."""

    about: api.PreviewHeader
    picture: bytes
    kind: Literal["previewed"] = "previewed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over, and everything it showed was kept."""

    run: str
    attempt: int
    state: Literal["succeeded", "failed", "cancelled"]
    problems: tuple[Problem, ...] = field(default=())
    kind: Literal["ended"] = "ended"


ToWorker: TypeAlias = Settings | Execute | Stop | Prepare | Kept | Watch | Free
ToServer: TypeAlias = (
    Importing | Ready | Unable | Heartbeat | Prepared | Began | Happened | Show | Previewed | Ended
)
_CLASSES = {
    get_args(cls.__annotations__["kind"])[0]: cls for cls in (*get_args(ToWorker), *get_args(ToServer))
}
_EVENTS = {get_args(cls.__annotations__["kind"])[0]: cls for cls in get_args(Event)}


class Broken(Exception):
    """The other side sent something that is no message."""


def pack(message: ToWorker | ToServer) -> bytes:
    """The message with its length before it."""
    body = msgspec.msgpack.encode(message)
    return HEAD.pack(len(body)) + body


def unpack(body: bytes) -> Any:
    """The message in those bytes. Raises Broken."""
    try:
        data = msgspec.msgpack.decode(body)
        return msgspec.convert(data, _CLASSES[data["kind"]])
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise Broken(f"The message cannot be read: {error}.") from error


def size(head: bytes) -> int:
    """How many bytes follow. Raises Broken."""
    length = int(HEAD.unpack(head)[0])
    if length > LARGEST:
        raise Broken(f"A message of {length} bytes is announced, which nobody sends.")
    return length


def event(data: Mapping[str, Any]) -> Event:
    """The event of a `Happened`. Raises Broken."""
    try:
        found: Event = msgspec.convert(data, _EVENTS[data["kind"]])
    except (msgspec.ValidationError, LookupError) as error:
        raise Broken(f"The event cannot be read: {error}.") from error
    return found


def receive(read: Callable[[int], bytes]) -> Any:
    """The next message of a blocking stream, or None at its end. Raises Broken."""
    head = read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    length = size(head)
    body = read(length)
    return unpack(body) if len(body) == length else None
