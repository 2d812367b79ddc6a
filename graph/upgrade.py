"""Old workflows brought up to date: each node's values to the current version of its type.

Pure. Links, named inputs and seed modes follow an input that was renamed. A node of an unknown type, of a
newer version, or whose upgrade fails, stays as it was, for validation to report.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graph.catalog import Catalog
from graph.workflow import Graph, Node, Workflow

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wired:
    """In an upgrade, the value of an input that is wired: pass it on under a new name, or drop it.

    Arithmetic leaves it what it is.
    """

    name: str

    def _itself(self, *_: object) -> "Wired":
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _itself
    __floordiv__ = __rfloordiv__ = __mod__ = __pow__ = __neg__ = __abs__ = __round__ = _itself


def upgrade(workflow: Workflow, catalog: Catalog) -> Workflow:
    """The same workflow with every node at the version its type has now."""
    subgraphs = {id: _upgraded(graph, catalog) for id, graph in workflow.subgraphs.items()}
    return replace(workflow, graph=_upgraded(workflow.graph, catalog), subgraphs=subgraphs)


def _upgraded(graph: Graph, catalog: Catalog) -> Graph:
    old = {id: node for id, node in graph.nodes.items() if _is_old(node, catalog)}
    if not old:
        return graph
    wired: dict[str, set[str]] = {}
    for link in graph.links:
        wired.setdefault(link.to_node, set()).add(link.input)
    aimed = {target for named in graph.inputs for target in named.targets}
    nodes, renames = dict(graph.nodes), dict[tuple[str, str], str | None]()
    for id, node in old.items():
        names = {*node.inputs, *node.seeds, *wired.get(id, ()), *(name for to, name in aimed if to == id)}
        nodes[id], moved = _current(node, names, wired.get(id, set()), catalog)
        renames |= {(id, name): moved.get(name) for name in names}
    return replace(
        graph,
        nodes=nodes,
        links=tuple(
            replace(link, input=new)
            for link in graph.links
            if (new := renames.get((link.to_node, link.input), link.input)) is not None
        ),
        inputs=tuple(replace(named, targets=_moved(named.targets, renames)) for named in graph.inputs),
    )


def _is_old(node: Node, catalog: Catalog) -> bool:
    spec = catalog.specs.get(node.type)
    return spec is not None and node.version < spec.version


def _current(
    node: Node, names: Iterable[str], wired: Iterable[str], catalog: Catalog
) -> tuple[Node, Mapping[str, str]]:
    """The node at its type's version, and the new name of each input that is still there."""
    version, upgrades = catalog.specs[node.type].version, catalog.upgrades(node.type)
    steps = [upgrades[old] for old in sorted(upgrades) if old >= node.version]
    values = _through(steps, {**node.inputs, **{name: Wired(name) for name in wired}})
    probe = _through(steps, {name: Wired(name) for name in names})
    if values is None:
        return node, {name: name for name in names}
    moved = {name: name for name in names}
    if probe is not None:
        moved = {value.name: name for name, value in probe.items() if isinstance(value, Wired)}
    literals = {name: value for name, value in values.items() if not isinstance(value, Wired)}
    under = {moved[name]: node.inputs[name] for name in wired if name in moved and name in node.inputs}
    seeds = {moved[name]: mode for name, mode in node.seeds.items() if name in moved}
    return replace(node, version=version, inputs=literals | under, seeds=seeds), moved


def _through(steps: Iterable[Callable[[Values], Values]], values: Values) -> Values | None:
    try:
        for step in steps:
            values = step(dict(values))
    except Exception:  # noqa: BLE001 - a pack's code, met with values of any age
        return None
    return values


def _moved(
    targets: Iterable[tuple[str, str]], renames: Mapping[tuple[str, str], str | None]
) -> tuple[tuple[str, str], ...]:
    new = ((id, renames.get((id, name), name)) for id, name in targets)
    return tuple((id, name) for id, name in new if name is not None)
