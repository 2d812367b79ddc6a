"""What a run tells the world. Only these leave the executor; each is small and names only its own node."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from graph.errors import Problem
from graph.workflow import Json


@dataclass(frozen=True, slots=True)
class NodesReused:
    """Results known from before: one event for all when a run starts, later ones one by one."""

    nodes: tuple[str, ...]
    kind: Literal["nodes_reused"] = "nodes_reused"


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node begins to run."""

    node: str
    kind: Literal["node_started"] = "node_started"


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """`done` of `total` steps of a node are finished."""

    node: str
    done: int
    total: int
    kind: Literal["node_progress"] = "node_progress"


@dataclass(frozen=True, slots=True)
class NodeShown:
    """What a node shows, for example `{"kind": "image", "folder": "output", "name": "a_00001_.png", ...}`."""

    node: str
    items: tuple[Mapping[str, Json], ...]
    kind: Literal["node_shown"] = "node_shown"


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node has run. Reused ones never say so."""

    node: str
    seconds: float
    kind: Literal["node_finished"] = "node_finished"


@dataclass(frozen=True, slots=True)
class NodeProblem:
    """A node failed, was passed over with a message, or warned."""

    node: str
    problem: Problem
    kind: Literal["node_problem"] = "node_problem"


Event: TypeAlias = NodesReused | NodeStarted | NodeProgress | NodeShown | NodeFinished | NodeProblem
