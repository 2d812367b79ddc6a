"""What is needed to compute some nodes, and in which order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from graph.declared import declared
from graph.errors import WorkflowError
from graph.node import NodeSpec
from graph.workflow import Graph, Node

if TYPE_CHECKING:
    import networkx as nx

Sources: TypeAlias = Mapping[str, tuple[str, str]]
"""For each wired input of a node: the node and output it reads."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The part of a graph that the targets need.

    `order` is depth first: each node after all it reads, inputs in the order of the node's description.
    `readers` counts the links that read each node: its values may be dropped after the last of them. `lazy`
    names the wired inputs that a node may turn out not to need.
    """

    graph: Graph
    targets: tuple[str, ...]
    order: tuple[str, ...]
    sources: Mapping[str, Sources]
    readers: Mapping[str, int]
    lazy: Mapping[str, frozenset[str]]


def plan(graph: Graph, specs: Mapping[str, NodeSpec], targets: Iterable[str] | None = None) -> Plan:
    """Plan the computation of `targets`, or of all terminal nodes.

    Raises WorkflowError if there are none, or on a cycle.
    """
    if targets is None:
        wanted = tuple(node for node, each in graph.nodes.items() if _is_terminal(specs, each))
    else:
        wanted = tuple(dict.fromkeys(targets))
        for target in wanted:
            if target not in graph.nodes:
                raise WorkflowError(f"There is no node '{target}' to run.", node=target)
    if not wanted:
        raise WorkflowError(
            "Nothing in this workflow is saved or shown.",
            "Add a node that does, such as Save Image, and connect it.",
        )
    sources, lazy = _wires(graph, specs)
    order = depth_first(wanted, sources)
    if order is None:
        ring = cycle(wanted, sources)
        raise WorkflowError(cycle_message(graph, ring), "Remove one of these links.", node=ring[0])
    readers = dict.fromkeys(order, 0)
    for node in order:
        for source, _ in sources[node].values():
            readers[source] += 1
    return Plan(
        graph,
        wanted,
        order,
        {node: sources[node] for node in order},
        readers,
        {n: lazy[n] for n in order if n in lazy},
    )


def _is_terminal(specs: Mapping[str, NodeSpec], node: Node) -> bool:
    spec = specs.get(node.type)
    return spec is not None and spec.terminal


def depth_first(targets: Sequence[str], sources: Mapping[str, Sources]) -> tuple[str, ...] | None:
    """The nodes that the targets need, each after all it reads; None if some read each other in a ring."""
    import networkx as nx  # here: slow to import, and the page can be shown without

    order = tuple(nx.dfs_postorder_nodes(_upstream(targets, sources), _TARGETS))[:-1]
    place = {node: index for index, node in enumerate(order)}
    runs_forward = all(
        place[source] < at for node, at in place.items() for source, _ in sources[node].values()
    )
    return order if runs_forward else None


def cycle(targets: Sequence[str], sources: Mapping[str, Sources]) -> list[str]:
    """The nodes of one ring, each feeding the next and the last feeding the first."""
    import networkx as nx

    edges = nx.find_cycle(_upstream(targets, sources), _TARGETS)
    return [node for node, _ in reversed(edges)]


def cycle_message(graph: Graph, ring: Sequence[str]) -> str:
    """`These nodes wait for each other: A → B → A.`, by title."""
    names = [graph.nodes[node].title or graph.nodes[node].type for node in (*ring, ring[0])]
    if len(names) > 12:
        names = [*names[:6], "…", *names[-5:]]
    return f"These nodes wait for each other: {' → '.join(names)}."


_TARGETS = ""  # no node has an empty id


def _upstream(targets: Sequence[str], sources: Mapping[str, Sources]) -> "nx.DiGraph[str]":
    """Edges from each node to those it reads, and from one node more to the targets."""
    import networkx as nx

    upstream: nx.DiGraph[str] = nx.DiGraph()
    upstream.add_node(_TARGETS)
    upstream.add_edges_from((_TARGETS, target) for target in targets)
    upstream.add_edges_from((node, source) for node, wired in sources.items() for source, _ in wired.values())
    return upstream


def _wires(
    graph: Graph, specs: Mapping[str, NodeSpec]
) -> tuple[dict[str, Sources], dict[str, frozenset[str]]]:
    """The links by reader, in the order of the reader's inputs; and which of them are lazy."""
    wired: dict[str, dict[str, tuple[str, str]]] = {node: {} for node in graph.nodes}
    lazy: dict[str, frozenset[str]] = {}
    for link in graph.links:
        if link.to_node in wired and link.from_node in wired:
            wired[link.to_node][link.input] = (link.from_node, link.output)
    for node_id, links in wired.items():
        if links:
            node = graph.nodes[node_id]
            spec = specs.get(node.type)
            inputs = declared(spec.inputs if spec else (), {**node.inputs, **links})
            wired[node_id] = {name: links[name] for name in (*inputs, *links) if name in links}
            if unsure := frozenset(name for name in links if name in inputs and inputs[name].lazy):
                lazy[node_id] = unsure
    return dict(wired), lazy
