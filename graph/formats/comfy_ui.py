"""The format the field's editor saves: widget values by position, links by number, subgraph definitions.

Reroutes and get/set pairs become plain links, primitive nodes become values of what they feed; notes and
groups stay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from graph.errors import Problem, UnreadableWorkflow
from graph.formats.comfy_api import declared
from graph.formats.values import CONTROL_MODES, fitted, has_seed
from graph.formats.wires import Primitive, Sheet, Source, names_of, sheet
from graph.node import Input, NodeSpec
from graph.workflow import (
    Graph,
    Group,
    Json,
    Link,
    NamedInput,
    NamedOutput,
    Node,
    NodeState,
    Note,
    SeedMode,
    Workflow,
)

NOTES = ("Note", "MarkdownNote")
VIRTUAL = (*NOTES, "Reroute", "PrimitiveNode", "GetNode", "SetNode")
RENAMED = {
    "T2IAdapterLoader": "ControlNetLoader",
    "ConditioningAverage ": "ConditioningAverage",
    "SDV_img2vid_Conditioning": "SVD_img2vid_Conditioning",
    "Load3DAnimation": "Load3D",
    "Preview3DAnimation": "Preview3D",
}
STATES: Mapping[Json, NodeState] = {2: "off", 4: "skipped"}
READ_KEYS = frozenset(
    (
        *("id", "type", "pos", "size", "flags", "mode", "inputs", "outputs", "title"),
        *("widgets_values", "color", "bgcolor", "order"),
    )
)


def looks_like(data: Json) -> bool:
    """Whether this is a file of the field's editor: a list of nodes with types."""
    nodes = data.get("nodes") if isinstance(data, dict) else None
    return isinstance(nodes, list) and all(isinstance(node, dict) and "type" in node for node in nodes)


def read(data: dict[str, Json], specs: Mapping[str, NodeSpec]) -> tuple[Workflow, tuple[Problem, ...]]:
    """Our document for a file of the field's editor, and what could not be carried over exactly."""
    try:
        found = (data.get("definitions") or {}).get("subgraphs") or []
        definitions = {str(definition["id"]): definition for definition in found}
        reading = _Reading(specs, definitions)
        graph = reading.graph(data)
        subgraphs = {id: reading.graph(definition) for id, definition in definitions.items()}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UnreadableWorkflow(
            "This workflow file is damaged: one of its nodes or links is not complete.",
            "Save it again in the editor it came from, or open another copy.",
        ) from error
    kept = {key: data[key] for key in ("revision", "config", "models") if data.get(key)}
    extra = {**({"comfy": kept} if kept else {}), **(data.get("extra") or {})}
    return Workflow(graph, str(data.get("id") or ""), subgraphs, extra), tuple(reading.problems)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known while one file is read."""

    specs: Mapping[str, NodeSpec]
    definitions: Mapping[str, dict[str, Json]]
    problems: list[Problem] = field(default_factory=list)

    def graph(self, data: dict[str, Json]) -> Graph:
        page = sheet(data, self.output_names)
        nodes: dict[str, Node] = {}
        links: list[Link] = []
        ports: dict[int, list[tuple[str, str]]] = {}
        shared: dict[str, list[tuple[str, str]]] = {}
        for id, raw in page.nodes.items():
            if self.is_virtual(raw):
                continue
            nodes[id] = self.node(raw)
            for name, source in page.sources(id):
                if isinstance(source, Source):
                    links.append(Link(source.node, source.output, id, name))
                elif isinstance(source, Primitive):
                    nodes[id] = self.with_primitive(nodes[id], name, source)
                    shared.setdefault(source.node, []).append((id, name))
                elif source is not None:
                    ports.setdefault(source, []).append((id, name))
        inputs = list(self.named_inputs(data, ports)) or self.shared_inputs(page, shared)
        return Graph(
            nodes=nodes,
            links=tuple(links),
            groups=tuple(_group(raw, index) for index, raw in enumerate(data.get("groups") or (), start=1)),
            notes=tuple(_note(id, raw) for id, raw in page.nodes.items() if raw["type"] in NOTES),
            inputs=tuple(inputs),
            outputs=tuple(self.named_outputs(data, page)),
            title=str(data.get("name") or ""),
        )

    def is_virtual(self, raw: dict[str, Json]) -> bool:
        return raw["type"] in VIRTUAL and raw["type"] not in self.specs

    def node(self, raw: dict[str, Json]) -> Node:
        kind = RENAMED.get(raw["type"], str(raw["type"]))
        spec = self.specs.get(kind)
        values, seeds = self.values(kind, spec, raw)
        flags = raw.get("flags") or {}
        extra: dict[str, Json] = {key: raw[key] for key in raw.keys() - READ_KEYS if raw[key]}
        extra = {"comfy": extra} if extra else {}
        if spec is None and kind not in self.definitions:
            extra["sockets"] = {side: _sockets(raw.get(side)) for side in ("inputs", "outputs")}
            extra["widgets_values"] = raw.get("widgets_values")
        title = raw.get("title")
        return Node(
            type=kind,
            pack=spec.pack if spec else "",
            version=spec.version if spec else 1,
            title=title if title and (spec is None or title != spec.title) else None,
            inputs=values,
            position=_pair(raw.get("pos")) or (0.0, 0.0),
            size=_pair(raw.get("size")),
            state=STATES.get(raw.get("mode"), "on"),
            color=raw.get("bgcolor") or raw.get("color"),
            pinned=bool(flags.get("pinned")),
            collapsed=bool(flags.get("collapsed")),
            seeds=seeds,
            extra=extra,
        )

    def values(
        self, kind: str, spec: NodeSpec | None, raw: dict[str, Json]
    ) -> tuple[dict[str, Json], dict[str, SeedMode]]:
        """The literals of a node and the control modes of its seeds."""
        given = raw.get("widgets_values")
        if kind in self.definitions:
            return self.instance_values(kind, raw), {}
        if spec is None or not given:
            return {}, {}
        if isinstance(given, dict):
            known = dict(declared(spec, given))
            return {name: fitted(known[name], given[name]) for name in known if name in given}, {}
        return _by_position(spec, given)

    def instance_values(self, kind: str, raw: dict[str, Json]) -> dict[str, Json]:
        """What an instance of a subgraph sets itself: its promoted widgets, by the name of the input."""
        given = raw.get("widgets_values") or []
        proxies = (raw.get("properties") or {}).get("proxyWidgets")
        if isinstance(proxies, list):
            names = [proxy[1] if str(proxy[0]) == "-1" else None for proxy in proxies]
        else:
            names = [
                port["name"]
                for port in self.definitions[kind].get("inputs") or ()
                if self.is_widget(kind, port)
            ]
        return {
            name: value
            for name, value in zip(names, given, strict=False)
            if name is not None and value is not None
        }

    def is_widget(self, kind: str, port: dict[str, Json]) -> bool:
        """Whether an input of a subgraph feeds a widget inside."""
        wanted = set(port.get("linkIds") or ())
        return any(
            entry.get("link") in wanted and "widget" in entry
            for node in self.definitions[kind].get("nodes") or ()
            for entry in node.get("inputs") or ()
        )

    def with_primitive(self, node: Node, name: str, primitive: Primitive) -> Node:
        spec = self.specs.get(node.type)
        input = dict(declared(spec, node.inputs)).get(name) if spec else None
        if not primitive.values:
            return node
        value = primitive.values[0] if input is None else fitted(input, primitive.values[0])
        seeds = node.seeds
        if input is not None and has_seed(input) and len(primitive.values) > 1:
            seeds = {**seeds, name: CONTROL_MODES.get(primitive.values[1], "fixed")}
        return replace(node, inputs={**node.inputs, name: value}, seeds=seeds)

    def shared_inputs(self, page: Sheet, shared: Mapping[str, list[tuple[str, str]]]) -> list[NamedInput]:
        """A primitive that fed several inputs becomes a named input, so that they still change together."""
        found: dict[str, NamedInput] = {}
        for id, targets in shared.items():
            if len(targets) > 1:
                raw = page.nodes[id]
                name = _free(str(raw.get("title") or targets[0][1]), found)
                found[name] = NamedInput(name, tuple(targets))
        return list(found.values())

    def named_inputs(
        self, data: dict[str, Json], ports: Mapping[int, list[tuple[str, str]]]
    ) -> Iterator[NamedInput]:
        for index, port in enumerate(_ports(data, "inputs")):
            yield NamedInput(
                str(port["name"]),
                tuple(ports.get(index, ())),
                str(port.get("type") or "*"),
                port.get("label"),
            )

    def named_outputs(self, data: dict[str, Json], page: Sheet) -> Iterator[NamedOutput]:
        title = data.get("name", "")
        for index, port in enumerate(_ports(data, "outputs")):
            source = page.leaving(index)
            if isinstance(source, Source):
                yield NamedOutput(
                    str(port["name"]),
                    (source.node, source.output),
                    str(port.get("type") or "*"),
                    port.get("label"),
                )
            else:
                self.problems.append(
                    Problem(
                        "open_output",
                        f"Nothing inside subgraph “{title}” feeds its output “{port['name']}”.",
                        "Open the subgraph and wire it.",
                        warning=True,
                    )
                )

    def output_names(self, raw: dict[str, Json]) -> list[str]:
        """The names of a node's outputs by position."""
        kind = RENAMED.get(raw["type"], str(raw["type"]))
        if kind in self.definitions:
            return [str(port["name"]) for port in self.definitions[kind].get("outputs") or ()]
        if (spec := self.specs.get(kind)) is not None:
            return [output.name for output in spec.outputs]
        return names_of(raw.get("outputs"))


def _by_position(spec: NodeSpec, given: list[Json]) -> tuple[dict[str, Json], dict[str, SeedMode]]:
    """Values in the order of the widgets. Control modes follow their seed; holes and surplus do not count."""
    values: dict[str, Json] = {}
    seeds: dict[str, SeedMode] = {}
    rest = list(reversed(given))
    pending: list[tuple[str, Input]] = [("", input) for input in reversed(spec.inputs)]
    while pending and rest:
        prefix, input = pending.pop()
        if input.widget is None and not input.options:
            continue
        name = prefix + input.name
        value = rest.pop()
        while value is None and rest:
            value = rest.pop()
        if value is None:
            break
        values[name] = fitted(input, value)
        if has_seed(input) and rest and isinstance(rest[-1], str | bool) and rest[-1] in CONTROL_MODES:
            seeds[name] = CONTROL_MODES[rest.pop()]
        for option in input.options:
            if option.key == value:
                pending += [(f"{name}.", inner) for inner in reversed(option.inputs)]
    return values, seeds


def _ports(data: dict[str, Json], side: str) -> list[dict[str, Json]]:
    """The named inputs or outputs of a subgraph definition; a root graph has none."""
    return data.get(side) or [] if f"{side[:-1]}Node" in data else []


def _sockets(entries: Json) -> list[dict[str, Json]]:
    """Names and types of an unknown node's sockets, so that they can be drawn."""
    return [
        {"name": name, "type": str(entry.get("type") or "*")}
        for name, entry in zip(names_of(entries), entries or (), strict=True)
    ]


def _pair(value: Json) -> tuple[float, float] | None:
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    return (float(value[0]), float(value[1])) if isinstance(value, list) and len(value) >= 2 else None


def _group(raw: dict[str, Json], index: int) -> Group:
    x, y, width, height = (float(side) for side in raw["bounding"][:4])
    return Group(
        str(raw.get("id") or index), str(raw.get("title") or ""), (x, y, width, height), raw.get("color")
    )


def _note(id: str, raw: dict[str, Json]) -> Note:
    values = raw.get("widgets_values") or [""]
    text = values[0] if isinstance(values, list) else next(iter(values.values()), "")
    return Note(
        id,
        str(text),
        _pair(raw.get("pos")) or (0.0, 0.0),
        _pair(raw.get("size")) or (280.0, 160.0),
        raw.get("bgcolor"),
    )


def _free(name: str, taken: Mapping[str, object]) -> str:
    number = 1
    while (candidate := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return candidate
