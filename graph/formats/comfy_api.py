"""The field's API format: `{id: {"class_type", "inputs", "_meta"}}`; a link is `[node id, output number]`."""

from collections.abc import Mapping

from graph.declared import declared
from graph.formats.layout import laid_out
from graph.formats.values import fitted
from graph.node import NodeSpec
from graph.workflow import Graph, Json, Link, Node, Workflow


def looks_like(data: Json) -> bool:
    """Whether every value is a node of this format."""
    return (
        isinstance(data, dict)
        and bool(data)
        and all(
            isinstance(entry, dict)
            and isinstance(entry.get("class_type"), str)
            and isinstance(entry.get("inputs"), dict)
            for entry in data.values()
        )
    )


def read(data: dict[str, Json], specs: Mapping[str, NodeSpec]) -> Workflow:
    """Our document for an API file. Constants no input declares are kept aside in the node's `extra`."""
    nodes = {id: _node(entry, specs.get(entry["class_type"])) for id, entry in data.items()}
    links = tuple(
        Link(value[0], output_name(data, value, specs), id, name)
        for id, entry in data.items()
        for name, value in entry["inputs"].items()
        if is_link(value)
    )
    return Workflow(laid_out(Graph(nodes, links), specs))


def is_link(value: Json) -> bool:
    """Whether a value of an input is a link."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    )


def output_name(data: Mapping[str, Json], link: list[Json], specs: Mapping[str, NodeSpec]) -> str:
    """The name of the output a link comes from; its number if the node is not known, or has none such."""
    source = data.get(link[0])
    spec = specs.get(source["class_type"]) if source else None
    is_known = spec is not None and 0 <= link[1] < len(spec.outputs)
    return spec.outputs[link[1]].name if spec is not None and is_known else str(link[1])


def _node(entry: dict[str, Json], spec: NodeSpec | None) -> Node:
    meta = entry.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    literals = {name: _unwrapped(value) for name, value in entry["inputs"].items() if not is_link(value)}
    known = {} if spec is None else declared(spec.inputs, literals)
    is_open = spec is None or spec.has_dynamic_inputs
    kept = {} if is_open else {name: value for name, value in literals.items() if name not in known}
    return Node(
        type=entry["class_type"],
        pack=spec.pack if spec else "",
        version=spec.version if spec else 1,
        title=title if isinstance(title, str) and (spec is None or title != spec.title) else None,
        inputs={
            name: fitted(known[name], value) if name in known else value
            for name, value in literals.items()
            if name not in kept
        },
        extra={"undeclared": kept} if kept else {},
    )


def _unwrapped(value: Json) -> Json:
    return value["__value__"] if isinstance(value, dict) and set(value) == {"__value__"} else value
