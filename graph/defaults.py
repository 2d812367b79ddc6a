"""Literals that the workflow leaves out, taken from the descriptions of its nodes."""

from collections.abc import Mapping
from dataclasses import replace

from graph.declared import chosen, declared
from graph.node import Input, NodeSpec
from graph.wires import parts
from graph.workflow import Graph, Json, Node


def with_defaults(graph: Graph, specs: Mapping[str, NodeSpec]) -> Graph:
    """The graph with each missing literal filled in, and numbers of the kind their inputs want.

    Values that do not suit their input stay, for validation to name.
    """
    linked: dict[str, dict[str, None]] = {}
    for link in graph.links:
        linked.setdefault(link.to_node, {})[link.input] = None
    nodes: dict[str, Node] = {}
    for node_id, node in graph.nodes.items():
        spec, wired = specs.get(node.type), linked.get(node_id, {})
        filled = dict(node.inputs)
        for name, item in declared(spec.inputs if spec else (), {**node.inputs, **wired}).items():
            if name not in wired:
                value = _value(item, filled)
                if value is not None:
                    filled[name] = value
        nodes[node_id] = (
            node if filled == node.inputs and _same_kinds(filled, node) else replace(node, inputs=filled)
        )
    return replace(graph, nodes=nodes)


def _value(item: Input, given: Mapping[str, Json]) -> Json:
    value = given.get(item.name)
    if value is None:
        return chosen(item, given) if item.options else item.default
    wanted = parts(item.type)
    if type(value) is int and "FLOAT" in wanted and "INT" not in wanted and abs(value) < 2**53:
        return float(value)
    if type(value) is float and "INT" in wanted and "FLOAT" not in wanted and value.is_integer():
        return int(value)
    return value


def _same_kinds(filled: Mapping[str, Json], node: Node) -> bool:
    return all(type(value) is type(node.inputs[name]) for name, value in filled.items())
