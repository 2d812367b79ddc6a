"""Places for nodes that have none: columns from left to right in the order of the links."""

from collections.abc import Mapping
from dataclasses import replace

from graph.node import NodeSpec
from graph.workflow import Graph

COLUMN_PX, GAP_PX, HEADER_PX, ROW_PX, TEXT_PX = 340.0, 40.0, 40.0, 26.0, 110.0


def laid_out(graph: Graph, specs: Mapping[str, NodeSpec]) -> Graph:
    """The graph with every node placed: each one column to the right of the last node it reads from."""
    import networkx as nx  # here: slow to import, and the page can be shown without

    wires: nx.DiGraph[str] = nx.DiGraph()
    wires.add_nodes_from(graph.nodes)
    wires.add_edges_from(
        (link.from_node, link.to_node)
        for link in graph.links
        if link.from_node in graph.nodes and link.to_node in graph.nodes
    )
    if not nx.is_directed_acyclic_graph(wires):
        columns = {id: index % 6 for index, id in enumerate(wires)}
    else:
        columns = {}
        for id in nx.topological_sort(wires):
            columns[id] = max((columns[before] + 1 for before in wires.predecessors(id)), default=0)
    bottoms: dict[int, float] = {}
    nodes = {}
    for id, node in graph.nodes.items():
        top = bottoms.get(columns[id], 0.0)
        nodes[id] = replace(node, position=(columns[id] * COLUMN_PX, top))
        bottoms[columns[id]] = top + _height(specs.get(node.type)) + GAP_PX
    return replace(graph, nodes=nodes)


def _height(spec: NodeSpec | None) -> float:
    """About as tall as the editor draws it."""
    if spec is None:
        return HEADER_PX + 4 * ROW_PX
    texts = sum(1 for input in spec.inputs if input.widget is not None and input.widget.multiline)
    picture = 200.0 if spec.terminal else 0.0
    return HEADER_PX + (len(spec.inputs) + len(spec.outputs)) * ROW_PX + texts * TEXT_PX + picture
