"""Requests, answers and events of /v1. The OpenAPI document and the editor's types come from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from graph.errors import Problem
from graph.node import NodeSpec

RunState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
WorkerState: TypeAlias = Literal["starting", "ready", "restarting", "failed"]
FileFolder: TypeAlias = Literal["input", "output", "temp"]


@dataclass(frozen=True, slots=True)
class Problems:
    """The body of every refusal."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Queue a workflow: our document, or a file of the field (either of its formats).

    `targets` are node ids to run up to (every terminal node if absent). `values` sets inputs before the run:
    keys are `node.input`, or the name of one of the workflow's named inputs.
    """

    workflow: dict[str, Any]
    targets: tuple[str, ...] | None = None
    values: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    front: bool = False


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Cancel every run in that state."""

    state: Literal["queued"] = "queued"


@dataclass(frozen=True, slots=True)
class ShownItem:
    """Something a node shows. A file is at /v1/files/{folder}/{name}; a text stands in `text`.

    `file` is one that is neither picture nor video, such as weights that were saved.
    """

    kind: Literal["image", "video", "file", "text"]
    folder: FileFolder = "output"
    name: str = ""
    width: int = 0
    height: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class RunOutput:
    """What one node of a run showed."""

    node: str
    items: tuple[ShownItem, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One submission of a workflow. Times are seconds since 1970; `attempt` grows when a worker died."""

    id: str
    state: RunState
    title: str
    created: float
    started: float | None = None
    finished: float | None = None
    attempt: int = 0
    position: int | None = None
    """How many runs are before it, while it is queued."""
    outputs: tuple[RunOutput, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RunList:
    """A page of runs, newest first; `next` is the `before` of the following page."""

    items: tuple[Run, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class BrokenPack:
    """A node pack that could not be imported, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every node type there is. `stale`: from the last start; the worker has not answered yet."""

    nodes: tuple[NodeSpec, ...]
    broken: tuple[BrokenPack, ...] = ()
    stale: bool = False


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of a folder; sizes in pixels, 0 if unknown."""

    folder: FileFolder
    name: str
    bytes: int
    modified: float
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class FileList:
    """A page of files, newest first; `next` is the `before` of the following page."""

    items: tuple[FileInfo, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Folders:
    """The names a file picker offers, by folder: checkpoints, loras, controlnet, ..., input."""

    folders: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class WorkflowInfo:
    """A saved workflow or a template. `revision` is what the next write must name.

    A `damaged` one cannot be loaded, only replaced or removed; asked for, it tells why.
    """

    name: str
    title: str
    revision: str
    modified: float
    picture: str | None = None
    description: str = ""
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowList:
    """Every saved workflow, or every template."""

    items: tuple[WorkflowInfo, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """A file of any known format as our document; `problems` says what could not be carried over exactly."""

    workflow: dict[str, Any]
    source: Literal["photogram", "ui", "api"]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """What computes. Bytes; 0 where unknown."""

    kind: str
    name: str
    total_bytes: int = 0
    free_bytes: int = 0
    precision: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """The state of the server and its worker."""

    version: str
    worker: WorkerState
    reason: str = ""
    device: Device | None = None
    queued: int = 0
    running: int = 0
    seq: int = 0
    """The number of the last event, to subscribe from."""
    running_from: int = 0
    """The number to subscribe from to be told the runs in progress from their beginning; at most `seq`."""


@dataclass(frozen=True, slots=True)
class RunQueued:
    """A run was accepted; it is durable."""

    run: str
    title: str
    kind: Literal["run_queued"] = "run_queued"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A worker took a run."""

    run: str
    attempt: int
    total: int
    """How many nodes the plan holds."""
    kind: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended, one way or another."""

    run: str
    state: RunState
    seconds: float
    problems: tuple[Problem, ...] = ()
    kind: Literal["run_finished"] = "run_finished"


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """How many runs wait and run now."""

    queued: int
    running: int
    kind: Literal["queue_changed"] = "queue_changed"


@dataclass(frozen=True, slots=True)
class WorkerChanged:
    """The worker starts, is ready, restarts or failed."""

    worker: WorkerState
    reason: str = ""
    kind: Literal["worker_changed"] = "worker_changed"


@dataclass(frozen=True, slots=True)
class CatalogChanged:
    """The node types changed; ask again."""

    kind: Literal["catalog_changed"] = "catalog_changed"


@dataclass(frozen=True, slots=True)
class FoldersChanged:
    """File lists or saved workflows changed; ask again."""

    kind: Literal["folders_changed"] = "folders_changed"


@dataclass(frozen=True, slots=True)
class Resync:
    """The first frame when the events asked for are no longer kept: read the state again, go on at `seq`."""

    seq: int
    kind: Literal["resync"] = "resync"


@dataclass(frozen=True, slots=True)
class PreviewHeader:
    """What stands before the picture in a binary frame."""

    run: str
    node: str
    done: int
    total: int
    mime: str
