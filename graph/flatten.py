"""A workflow without subgraphs: every instance replaced by what is inside it, and switched-off nodes gone.

The nodes of an instance are named `instance:node`. Nothing here recurses, so nesting may be any depth.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from graph.bypass import passed_through
from graph.declared import declared
from graph.errors import WorkflowError
from graph.node import NodeSpec
from graph.wires import ANY
from graph.workflow import Graph, Json, Link, Node, Workflow

MOST_NODES = 10_000


def flatten(workflow: Workflow, specs: Mapping[str, NodeSpec]) -> Graph:
    """Inline the subgraphs, drop `off` nodes and let `skipped` ones pass their inputs on.

    Groups, notes and named inputs and outputs are left behind. A link to a node or output that does not exist
    stays, for validation to name. Raises WorkflowError if subgraphs hold each other, if skipped nodes or
    named inputs are wired in a ring, or if more than 10,000 nodes come out.
    """
    _refuse_rings(workflow.subgraphs)
    nodes: dict[str, Node] = {}
    links: list[Link] = []
    resolver = _Resolver(specs, workflow.subgraphs)
    for scope in [*_scopes(workflow)]:
        for node_id, node in scope.body.graph.nodes.items():
            if node.state != "on" or node.type in workflow.subgraphs:
                continue
            if len(nodes) >= MOST_NODES:
                raise WorkflowError(
                    f"The workflow has more than {MOST_NODES:,} nodes with its subgraphs written out.",
                    "Split it into several workflows.",
                )
            full = scope.full(node_id)
            if full in nodes:
                raise WorkflowError(
                    f"Two nodes are called '{full}', one of them inside a subgraph.",
                    "Rename one of them.",
                    full,
                )
            literals = dict(node.inputs)
            for name in scope.body.supplied(node_id):
                match resolver.source(_Port(scope, node_id, name)):
                    case _Given(value):
                        literals[name] = value
                    case _Port(at, source, output):
                        links.append(Link(at.full(source), output, full, name))
            nodes[full] = node if literals == node.inputs else replace(node, inputs=literals)
        links.extend(_to_nowhere(scope))
    return Graph(nodes=nodes, links=tuple(links), title=workflow.graph.title)


def _to_nowhere(scope: "_Scope") -> Iterator[Link]:
    """The links whose reader does not exist."""
    for link in scope.body.graph.links:
        if link.to_node not in scope.body.graph.nodes:
            yield Link(scope.full(link.from_node), link.output, scope.full(link.to_node), link.input)


class _Body:
    """A graph with its links and named inputs by the input they feed; shared by all its instances."""

    def __init__(self, graph: Graph, inner: bool) -> None:
        self.graph = graph
        self.wired: dict[str, dict[str, Link]] = {}
        self.named: dict[tuple[str, str], str] = {}
        for link in graph.links:
            self.wired.setdefault(link.to_node, {})[link.input] = link
        self._fed: dict[str, list[str]] = {}
        for named in graph.inputs if inner else ():
            for node, name in named.targets:
                self.named[node, name] = named.name
                self._fed.setdefault(node, []).append(name)
        self.outputs = {named.name: named for named in graph.outputs}

    def supplied(self, node: str) -> tuple[str, ...]:
        """The inputs of a node that a link or a named input may fill."""
        return tuple(dict.fromkeys((*self.wired.get(node, ()), *self._fed.get(node, ()))))


@dataclass(slots=True, eq=False)
class _Scope:
    """One use of a graph: the document itself, or an instance in another scope."""

    body: _Body
    outer: "_Scope | None" = None
    instance: str = ""
    inner: "dict[str, _Scope]" = field(default_factory=dict)

    def full(self, node: str) -> str:
        path, scope = [node], self
        while scope.outer is not None:
            path.append(scope.instance)
            scope = scope.outer
        return ":".join(reversed(path))


class _Port(NamedTuple):
    """An input or an output of a node in a scope."""

    scope: _Scope
    node: str
    name: str


@dataclass(frozen=True, slots=True)
class _Given:
    """A literal that an instance gives in place of the target's own."""

    value: Json


_Step: TypeAlias = tuple[_Scope, str, str, str]


def _scopes(workflow: Workflow) -> Iterator[_Scope]:
    """The document and every instance that is on, outer ones first, in document order."""
    bodies = {name: _Body(graph, inner=True) for name, graph in workflow.subgraphs.items()}
    root = _Scope(_Body(workflow.graph, inner=False))
    pending, made = [root], 0
    while pending:
        scope = pending.pop()
        for node_id, node in scope.body.graph.nodes.items():
            if node.type in bodies and node.state == "on":
                scope.inner[node_id] = _Scope(bodies[node.type], scope, node_id)
        made += len(scope.inner)
        if made > MOST_NODES:
            raise WorkflowError(
                f"The workflow uses more than {MOST_NODES:,} subgraphs, counting those inside others.",
                "Split it into several workflows.",
            )
        pending.extend(reversed(scope.inner.values()))
        yield scope


def _refuse_rings(subgraphs: Mapping[str, Graph]) -> None:
    """Raise if a subgraph holds itself, directly or through others."""
    uses = {
        name: [node.type for node in graph.nodes.values() if node.type in subgraphs]
        for name, graph in subgraphs.items()
    }
    done: set[str] = set()
    for start in uses:
        path: dict[str, Iterator[str]] = {} if start in done else {start: iter(uses[start])}
        while path:
            name, rest = next(reversed(path.items()))
            below = next(rest, None)
            if below is None:
                done.add(name)
                del path[name]
            elif below in path:
                ring = [*list(path)[list(path).index(below) :], below]
                titles = " → ".join(f"'{subgraphs[one].title or one}'" for one in ring)
                raise WorkflowError(
                    f"A subgraph holds itself: {titles}.", "Take one of them out of the other."
                )
            elif below not in done:
                path[below] = iter(uses[below])


class _Resolver:
    """Follows wires to where a value really comes from."""

    def __init__(self, specs: Mapping[str, NodeSpec], subgraphs: Mapping[str, Graph]) -> None:
        self._specs = specs
        self._subgraphs = subgraphs
        self._known: dict[_Step, _Port | _Given | None] = {}

    def source(self, target: _Port) -> "_Port | _Given | None":
        """The output of a plain node that feeds an input, the literal an instance gives it, or None."""
        trail: dict[_Step, None] = {}
        found: _Port | _Given | None = None
        at: _Port | None = target
        while at is not None:
            supply, reader = _supply(at)
            if not isinstance(supply, _Port) or self._is_plain(supply):
                found = supply
                break
            step = (*supply, self._input_type(reader))
            if step in trail:
                raise _ring(target)
            if step in self._known:
                found = self._known[step]
                break
            trail[step] = None
            found, at = self._behind(*step)
        for step in trail:
            self._known[step] = found
        return found

    def _is_plain(self, port: _Port) -> bool:
        node = port.scope.body.graph.nodes.get(port.node)
        return node is None or (node.state == "on" and node.type not in self._subgraphs)

    def _behind(
        self, scope: _Scope, node_id: str, output: str, wanted: str
    ) -> "tuple[_Port | None, _Port | None]":
        """Where an output comes from: (the output itself, None), or (None, the input to look behind next)."""
        while True:
            port = _Port(scope, node_id, output)
            if self._is_plain(port):
                return port, None
            node = scope.body.graph.nodes[node_id]
            if node.state == "off":
                return None, None
            if node.state == "skipped":
                name = self._through(port, node, wanted)
                return None, None if name is None else _Port(scope, node_id, name)
            inner = scope.inner[node_id]
            if output not in inner.body.outputs:
                return port, None
            scope, (node_id, output) = inner, inner.body.outputs[output].source

    def _through(self, port: _Port, node: Node, wanted: str) -> str | None:
        """The input that takes the place of a skipped node's output."""
        wired = port.scope.body.supplied(port.node)
        shape = self._shape(port.scope, port.node, node)
        if shape is None:
            return wired[0] if wired else None
        inputs, outputs = shape
        slot = list(outputs).index(port.name) if port.name in outputs else len(outputs)
        asked = wanted or outputs.get(port.name, ANY)
        place = passed_through(list(inputs.values()), list(outputs.values()), slot, asked)
        return None if place is None else list(inputs)[place]

    def _input_type(self, reader: _Port) -> str:
        """The type an input wants, or nothing if its node is not known."""
        node = reader.scope.body.graph.nodes.get(reader.node)
        shape = None if node is None else self._shape(reader.scope, reader.node, node)
        return "" if shape is None else shape[0].get(reader.name, "")

    def _shape(self, scope: _Scope, node_id: str, node: Node) -> tuple[dict[str, str], dict[str, str]] | None:
        """The wire types of a node's inputs and outputs by name, or None if its type is not known."""
        graph, spec = self._subgraphs.get(node.type), self._specs.get(node.type)
        if graph is not None:
            return {one.name: one.type for one in graph.inputs}, {one.name: one.type for one in graph.outputs}
        if spec is None:
            return _drawn(node)
        given = {**node.inputs, **dict.fromkeys(scope.body.supplied(node_id))}
        inputs = {one.name: one.type for one in declared(spec.inputs, given).values()}
        return inputs, {one.name: one.type for one in spec.outputs}


def _drawn(node: Node) -> tuple[dict[str, str], dict[str, str]] | None:
    """The wire types of a node of an unknown type, if the file it came from listed its sockets."""
    match node.extra.get("sockets"):
        case {"inputs": list(inputs), "outputs": list(outputs)}:
            return _types(inputs), _types(outputs)
    return None


def _types(sockets: list[Json]) -> dict[str, str]:
    found: dict[str, str] = {}
    for socket in sockets:
        match socket:
            case {"name": str(name), "type": str(wire_type)}:
                found[name] = wire_type
    return found


def _supply(at: _Port) -> "tuple[_Port | _Given | None, _Port]":
    """What feeds an input, by the outermost instance that feeds it; and the input where it enters."""
    supply: _Port | _Given | None = None
    reader, here = at, at
    while True:
        scope, node_id, name = here
        link = scope.body.wired.get(node_id, {}).get(name)
        if link is not None:
            supply, reader = _Port(scope, link.from_node, link.output), here
        elif here is not at and name in (literals := scope.body.graph.nodes[node_id].inputs):
            supply = _Given(literals[name])
        outer_name = scope.body.named.get((node_id, name))
        if outer_name is None or scope.outer is None:
            return supply, reader
        here = _Port(scope.outer, scope.instance, outer_name)


def _ring(target: _Port) -> WorkflowError:
    return WorkflowError(
        f"The input '{target.name}' is wired in a ring of skipped nodes or subgraphs.",
        "Remove one of the links of the ring.",
        target.scope.full(target.node),
        target.name,
    )
