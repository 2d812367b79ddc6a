"""Find every fault of a flat graph before it runs, and tell which outputs each of them spoils."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from graph.declared import declared
from graph.errors import Problem
from graph.literals import Fault, cut_short, fault
from graph.node import Input, NodeSpec
from graph.plan import cycle, cycle_message
from graph.suggest import brief, did_you_mean
from graph.wires import ANY, fits, narrowed, parts
from graph.workflow import Graph, Link, Node

MOST_NODES = 10_000
_MOST_HINTS = 200
EVERYWHERE = ""
"""The key of problems that belong to no output: nothing to run, too many nodes."""


def validate(
    graph: Graph,
    specs: Mapping[str, NodeSpec],
    targets: Sequence[str] | None = None,
    files: Callable[[str], Sequence[str]] | None = None,
) -> dict[str, tuple[Problem, ...]]:
    """The problems of each target with all that it needs, by the target's id; empty where it may run.

    Targets are the terminal nodes unless they are given. `files` lists a folder's files; without it none are
    looked for. Problems that belong to no target stand under `EVERYWHERE`.
    """
    if len(graph.nodes) > MOST_NODES:
        message = f"The workflow has {len(graph.nodes):,} nodes; at most {MOST_NODES:,} can run."
        return {EVERYWHERE: (Problem("too_many_nodes", message, "Split it into several workflows."),)}
    check = _Check(graph, specs, files)
    wanted = check.terminals() if targets is None else list(dict.fromkeys(targets))
    spoiled = check.spoiled(wanted)
    found = {target: check.told(spoiled[target]) for target in wanted}
    everywhere = [*check.loose_links()]
    if not wanted:
        hint = "Add a node that does, such as Save Image, and connect it."
        everywhere.append(Problem("nothing_to_run", "Nothing in this workflow is saved or shown.", hint))
    if everywhere:
        found[EVERYWHERE] = tuple(everywhere)
    return found


def problems(
    graph: Graph,
    specs: Mapping[str, NodeSpec],
    targets: Sequence[str] | None = None,
    files: Callable[[str], Sequence[str]] | None = None,
) -> tuple[Problem, ...]:
    """Every problem of the targets once, warnings among them."""
    by_target = validate(graph, specs, targets, files)
    return tuple(dict.fromkeys(problem for found in by_target.values() for problem in found))


class _Check:
    """The faults of each node, found once; and what is needed to name them well."""

    def __init__(
        self, graph: Graph, specs: Mapping[str, NodeSpec], files: Callable[[str], Sequence[str]] | None
    ) -> None:
        self.graph = graph
        self.specs = specs
        self._place = {node: place for place, node in enumerate(graph.nodes)}
        self.wired: dict[str, dict[str, Link]] = {node: {} for node in graph.nodes}
        for link in graph.links:
            if link.to_node in self.wired:
                self.wired[link.to_node][link.input] = link
        self.files = None if files is None else _Folders(files)
        self.found: list[Problem] = []
        self.types: dict[str, dict[str, str]] = {}
        self._hints: dict[object, str] = {}

    def terminals(self) -> list[str]:
        """The nodes a run is for. One of an unknown type that nothing reads may be meant as such."""
        read = {link.from_node for link in self.graph.links}
        return [
            node_id
            for node_id, node in self.graph.nodes.items()
            if (self.specs[node.type].terminal if node.type in self.specs else node_id not in read)
        ]

    def spoiled(self, targets: Sequence[str]) -> dict[str, int]:
        """For each needed node, the problems of it and all above it: bit n stands for `found[n]`."""
        import networkx as nx  # here: slow to import, and the page can be shown without

        upstream: nx.DiGraph[str] = nx.DiGraph()
        upstream.add_nodes_from(targets)
        pending = list(reversed(targets))
        seen = set(pending)
        while pending:
            node = pending.pop()
            above = dict.fromkeys(self._sources(node))
            upstream.add_edges_from((node, source) for source in above)
            new = [source for source in above if source not in seen]
            seen.update(new)
            pending.extend(new)
        spoiled: dict[str, int] = {}
        for ring in nx.strongly_connected_components(upstream):
            members = sorted(ring, key=lambda node: self._place.get(node, -1))
            first = len(self.found)
            if len(members) > 1 or upstream.has_edge(members[0], members[0]):
                self.found.append(self._cycle(members))
            for node in members:
                self.found.extend(self._node_problems(node))
            bits = (1 << len(self.found)) - (1 << first)
            for node in members:
                for source in self._sources(node):
                    bits |= spoiled.get(source, 0)
            spoiled.update(dict.fromkeys(members, bits))
        return spoiled

    def told(self, bits: int) -> tuple[Problem, ...]:
        """The problems that the bits stand for."""
        told: list[Problem] = []
        while bits:
            lowest = bits & -bits
            told.append(self.found[lowest.bit_length() - 1])
            bits ^= lowest
        return tuple(told)

    def loose_links(self) -> Iterator[Problem]:
        """Links that lead to nodes which do not exist."""
        for link in self.graph.links:
            if link.to_node not in self.wired:
                message = f"A link leads to a node {brief(link.to_node)}, which does not exist."
                yield Problem("dangling_link", message, "Remove the link.", link.from_node)

    def _sources(self, node: str) -> list[str]:
        return [link.from_node for link in self.wired.get(node, {}).values() if link.from_node in self.wired]

    def _cycle(self, members: Collection[str]) -> Problem:
        inside = set(members)
        inner = {
            node: {
                name: (link.from_node, link.output)
                for name, link in self.wired[node].items()
                if link.from_node in inside
            }
            for node in members
        }
        ring = cycle([*inner], inner)
        start = ring.index(min(ring, key=self._place.__getitem__))
        ring = [*ring[start:], *ring[:start]]
        return Problem("cycle", cycle_message(self.graph, ring), "Remove one of these links.", ring[0])

    def _node_problems(self, node_id: str) -> Iterator[Problem]:
        node = self.graph.nodes.get(node_id)
        if node is None:
            hint = self._suggest(node_id, self.graph.nodes)
            yield Problem("missing_target", f"There is no node {brief(node_id)} to run.", hint, node_id)
            return
        spec, links = self.specs.get(node.type), self.wired[node_id]
        if spec is None:
            yield self._unknown_node(node_id, node)
            return
        if node.version != spec.version:
            yield self._other_version(node_id, node, spec)
        inputs = declared(spec.inputs, {**node.inputs, **links})
        agreed: dict[str, tuple[str, str]] = {}
        for name, item in inputs.items():
            if name in links:
                found = self._link_fault(item, links[name], agreed)
            elif node.inputs.get(name) is not None:
                found = fault(item, node.inputs[name], self.files, self._suggest)
                if found is None and (cut := cut_short(item, node.inputs[name])):
                    yield Problem(*cut, node=node_id, input=name, warning=True)
            else:
                found = self._missing(item, node)
            if found:
                yield Problem(*found, node=node_id, input=name)
        self.types[node_id] = {
            output.name: agreed[output.template][1] if output.template in agreed else output.type
            for output in spec.outputs
        }
        if not spec.has_dynamic_inputs:
            yield from self._undeclared(node_id, node, inputs)

    def _unknown_node(self, node_id: str, node: Node) -> Problem:
        pack = f"the pack '{node.pack}'" if node.pack else "the pack"
        hint = self._suggest(node.type, self.specs) or f"Install {pack} it comes from, or remove the node."
        return Problem("unknown_node", f"There is no node type {brief(node.type)}.", hint, node_id)

    def _other_version(self, node_id: str, node: Node, spec: NodeSpec) -> Problem:
        title = self._title(node)
        message = f"{title} was saved as version {node.version}, but this program has version {spec.version}."
        update = f"Update {f'the pack {spec.pack!r}' if spec.pack else 'Photogram'}, or check its values."
        hint = (
            update
            if node.version > spec.version
            else "Its values could not be brought up to date. Check them."
        )
        return Problem("other_version", message, hint, node_id, warning=True)

    def _missing(self, item: Input, node: Node) -> Fault | None:
        if item.optional or item.default is not None or item.options:
            return None
        title = self._title(node)
        if item.widget is not None:
            return Fault("missing_input", f"{item.name} of {title} has no value.", "Enter or choose one.")
        return Fault("missing_input", f"{item.name} of {title} is not connected.", self._source_of(item.type))

    def _link_fault(self, item: Input, link: Link, agreed: dict[str, tuple[str, str]]) -> Fault | None:
        """What is wrong with a link. `agreed` holds, by template, the type and the input that set it."""
        source = self.graph.nodes.get(link.from_node)
        if source is None:
            message = f"{item.name} is connected to a node {brief(link.from_node)}, which does not exist."
            return Fault("dangling_link", message, "Connect it again, or remove the link.")
        outputs = self._outputs(link.from_node, source)
        if outputs is None:
            return None
        if link.output not in outputs:
            message = f"{self._title(source)} has no output {brief(link.output)} for {item.name}."
            has = f"Its outputs are: {', '.join(outputs)}." if outputs else "Remove the link."
            hint = self._suggest(link.output, outputs) or has
            return Fault("dangling_link", message, hint)
        given = outputs[link.output]
        if not fits(given, item.type):
            message = f"{item.name} takes {item.type}, but {self._title(source)} gives {given}."
            return Fault("type_mismatch", message, self._conversion(given, item.type))
        if item.template is None:
            return None
        first, before = agreed.get(item.template, (item.name, item.type))
        both = narrowed(before, given)
        if both is None:
            message = f"{item.name} gets {given}, but {first} gets {before}; they must be of one type."
            return Fault("type_mismatch", message, self._conversion(given, before))
        agreed[item.template] = (first, both)
        return None

    def _outputs(self, node_id: str, node: Node) -> Mapping[str, str] | None:
        """The outputs of a node with their types; None if the node's own type is unknown."""
        if node_id in self.types:
            return self.types[node_id]
        spec = self.specs.get(node.type)
        return None if spec is None else {output.name: output.type for output in spec.outputs}

    def _undeclared(self, node_id: str, node: Node, inputs: Mapping[str, Input]) -> Iterator[Problem]:
        title = self._title(node)
        for name in self.wired[node_id]:
            if name not in inputs:
                hint = self._suggest(name, inputs) or "Remove the link."
                yield Problem("dangling_link", f"{title} has no input {brief(name)}.", hint, node_id, name)
        for name in node.inputs:
            if name not in inputs and name not in self.wired[node_id]:
                message = f"{title} has no input {brief(name)}, so its value is left out."
                yield Problem(
                    "unknown_input", message, self._suggest(name, inputs), node_id, name, warning=True
                )

    def _title(self, node: Node) -> str:
        spec = self.specs.get(node.type)
        return node.title or (spec.title if spec else "") or node.type

    def _suggest(self, word: str, options: Collection[str]) -> str:
        """Did-you-mean, but only so many times: comparing words is slow."""
        key = (word, id(options)) if len(options) > 20 else (word, *options)
        if key not in self._hints:
            self._hints[key] = did_you_mean(word, options) if len(self._hints) < _MOST_HINTS else ""
        return self._hints[key]

    def _conversion(self, given: str, wanted: str) -> str:
        """A node that makes the wanted type from the given one, or any that makes it."""
        key = (given, wanted)
        if key not in self._hints:
            makers = [
                spec
                for spec in self.specs.values()
                if _makes(spec, wanted) and any(given in parts(item.type) for item in spec.inputs)
            ]
            best = min(makers, key=lambda spec: len(spec.inputs), default=None)
            turns = f"{best.title or best.type} turns {given} into {wanted}." if best else ""
            self._hints[key] = turns or self._source_of(wanted)
        return self._hints[key]

    def _source_of(self, wanted: str) -> str:
        if wanted not in self._hints:
            makers = [spec for spec in self.specs.values() if _makes(spec, wanted)]
            sources = [spec for spec in makers if not any(wanted in parts(item.type) for item in spec.inputs)]
            maker = min(sources or makers, key=_is_far_fetched, default=None)
            example = f", for example from {maker.title or maker.type}" if maker and wanted != ANY else ""
            kind = "something" if wanted == ANY else f"an output of type {wanted}"
            self._hints[wanted] = f"Connect {kind}{example}."
        return self._hints[wanted]


def _is_far_fetched(spec: NodeSpec) -> tuple[int, int]:
    """Orders examples: those of the main categories that want little come first."""
    return spec.category.count("/"), len(spec.inputs)


def _makes(spec: NodeSpec, wanted: str) -> bool:
    return not spec.deprecated and any(parts(output.type) & parts(wanted) for output in spec.outputs)


class _Folders:
    """The files of each folder, listed once."""

    def __init__(self, files: Callable[[str], Sequence[str]]) -> None:
        self._files = files
        self._known: dict[str, dict[str, None]] = {}

    def __call__(self, folder: str) -> Collection[str]:
        if folder not in self._known:
            self._known[folder] = dict.fromkeys(self._files(folder))
        return self._known[folder]
