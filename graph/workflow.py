"""The workflow document: our own JSON, one format for saving and for queueing.

On disk an input is a value or a link, by name:

    {"format": 1, "nodes": {"sampler": {"type": "KSampler", "inputs": {
        "steps": 20, "model": {"link": ["loader", "MODEL"]}, "table": {"value": {"a": 1}}}}}}

A literal that is itself an object is wrapped as `{"value": ...}`. In memory the links are one list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

FORMAT = 1
Json: TypeAlias = Any
"""Plain JSON data: None, bool, int, float, str, and lists and string-keyed dicts of these."""
NodeState: TypeAlias = Literal["on", "skipped", "off"]
SeedMode: TypeAlias = Literal["fixed", "random", "increment", "decrement"]


@dataclass(frozen=True, slots=True)
class Link:
    """A wire: one output of one node feeds one input of another."""

    from_node: str
    output: str
    to_node: str
    input: str
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a workflow. `inputs` holds its literals; what is wired stands in the graph's links.

    `type` is a node type, or the id of a subgraph of the document. `pack` is empty for built-in nodes.
    `position` and `size` are in canvas pixels at zoom 1. `seeds` says, for each seed input, how the editor
    rolls it between runs; the value in `inputs` is always the one used.
    """

    type: str
    pack: str = ""
    version: int = 1
    title: str | None = None
    inputs: Mapping[str, Json] = field(default_factory=dict)
    position: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] | None = None
    state: NodeState = "on"
    color: str | None = None
    pinned: bool = False
    collapsed: bool = False
    seeds: Mapping[str, SeedMode] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A titled frame around nodes: x, y, width, height in canvas pixels."""

    id: str
    title: str
    bounds: tuple[float, float, float, float]
    color: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """Text on the canvas, in Markdown without raw HTML."""

    id: str
    text: str
    position: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] = (280.0, 160.0)
    color: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedInput:
    """An input of the whole graph: its value goes to every target, a pair of node id and input name."""

    name: str
    targets: tuple[tuple[str, str], ...]
    type: str = "*"
    title: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedOutput:
    """An output of the whole graph: the node id and output name it shows."""

    name: str
    source: tuple[str, str]
    type: str = "*"
    title: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and what joins them: the body of a document and of each of its subgraphs."""

    nodes: Mapping[str, Node] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    groups: tuple[Group, ...] = ()
    notes: tuple[Note, ...] = ()
    inputs: tuple[NamedInput, ...] = ()
    outputs: tuple[NamedOutput, ...] = ()
    title: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A document: a graph, and the subgraphs its nodes may use by id.

    A node whose `type` is a key of `subgraphs` is an instance of that subgraph: its inputs are the subgraph's
    named inputs (a link, a literal that replaces the targets' own, or nothing, which leaves theirs), its
    outputs the named outputs.
    """

    graph: Graph
    id: str = ""
    subgraphs: Mapping[str, Graph] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)
