"""The format the field's editor saves: widget values by position, links by number, subgraph definitions.

Reroutes and get/set pairs become plain links, primitive nodes become values of what they feed; notes and
groups stay.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from graph.declared import declared
from graph.errors import Problem, UnreadableWorkflow
from graph.formats import drawing
from graph.formats.group_nodes import group_nodes, kind_of
from graph.formats.positions import by_position
from graph.formats.values import CONTROL_MODES, fitted, has_seed
from graph.formats.wires import Primitive, Sheet, Source, names_of, sheet
from graph.limits import parse
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
        definitions = _definitions(data)
        used = {_kind(raw) for sheet in (data, *definitions.values()) for raw in sheet["nodes"]}
        groups = group_nodes(data.get("extra"), used, specs)
        definitions |= {kind: group.definition for kind, group in groups.items()}
        reading = _Reading(specs, definitions, {kind: group.widgets for kind, group in groups.items()})
        graph = reading.graph(data)
        subgraphs = {id: reading.graph(definition) for id, definition in definitions.items()}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UnreadableWorkflow(
            "This workflow file is damaged: one of its nodes or links is not complete.",
            "Save it again in the editor it came from, or open another copy.",
        ) from error
    kept = {key: data[key] for key in ("revision", "config", "models") if data.get(key)}
    own = data.get("extra")
    extra = {**({"comfy": kept} if kept else {}), **(own if isinstance(own, dict) else {})}
    return Workflow(graph, str(data.get("id") or ""), subgraphs, extra), tuple(reading.problems)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known while one file is read."""

    specs: Mapping[str, NodeSpec]
    definitions: Mapping[str, dict[str, Json]]
    group_widgets: Mapping[str, tuple[Input, ...]]
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
            groups=_groups(data.get("groups")),
            notes=tuple(drawing.note(id, raw) for id, raw in page.nodes.items() if raw["type"] in NOTES),
            inputs=tuple(inputs),
            outputs=tuple(self.named_outputs(data, page)),
            title=str(data.get("name") or ""),
        )

    def is_virtual(self, raw: dict[str, Json]) -> bool:
        return raw["type"] in VIRTUAL and raw["type"] not in self.specs

    def node(self, raw: dict[str, Json]) -> Node:
        kind = _kind(raw)
        spec = self.specs.get(kind)
        values, seeds = self.values(kind, spec, raw)
        flags = raw.get("flags") or {}
        extra: dict[str, Json] = {key: raw[key] for key in raw.keys() - READ_KEYS if raw[key]}
        extra = {"comfy": extra} if extra else {}
        if spec is None and kind not in self.definitions:
            extra["sockets"] = {side: _sockets(raw.get(side)) for side in ("inputs", "outputs")}
            extra["widgets_values"] = raw.get("widgets_values")
        title = drawing.text(raw.get("title"))
        return Node(
            type=kind,
            pack=spec.pack if spec else "",
            version=spec.version if spec else 1,
            title=title if title and (spec is None or title != spec.title) else None,
            inputs=values,
            position=drawing.pair(raw.get("pos")) or (0.0, 0.0),
            size=drawing.pair(raw.get("size")),
            state=STATES.get(raw.get("mode"), "on"),
            color=drawing.text(raw.get("bgcolor")) or drawing.text(raw.get("color")),
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
        if kind in self.group_widgets and isinstance(given, list):
            values, seeds, _ = by_position(self.group_widgets[kind], given)
            return {name: value for name, value in values.items() if name}, seeds
        if kind in self.definitions:
            return self.instance_values(kind, raw), {}
        if spec is None or not given:
            return {}, {}
        if isinstance(given, dict):
            known = declared(spec.inputs, given)
            return {name: fitted(known[name], given[name]) for name in known if name in given}, {}
        values, seeds, _ = by_position(spec.inputs, given)
        return values, seeds

    def instance_values(self, kind: str, raw: dict[str, Json]) -> dict[str, Json]:
        """What an instance of a subgraph sets itself: its promoted widgets, by the name of the input."""
        given, widgets = raw.get("widgets_values") or [], self.inner_widgets(kind)
        if not isinstance(given, dict):
            given = dict(zip(_promoted(raw, widgets), given, strict=False))
        ports = {str(port["name"]) for port in self.definitions[kind].get("inputs") or ()}
        return {
            name: fitted(wanted, value) if (wanted := widgets.get(name)) else value
            for name, value in given.items()
            if name in ports and value is not None
        }

    def inner_widgets(self, kind: str) -> dict[str, Input | None]:
        """The inputs of a subgraph that feed a widget inside, each with the widget's own input if known."""
        fed = {
            entry.get("link"): (node, entry)
            for node in self.definitions[kind].get("nodes") or ()
            for entry in node.get("inputs") or ()
            if "widget" in entry
        }
        found: dict[str, Input | None] = {}
        for port in self.definitions[kind].get("inputs") or ():
            inside = next((fed[link] for link in port.get("linkIds") or () if link in fed), None)
            if inside is not None:
                node, entry = inside
                spec = self.specs.get(node["type"])
                known = declared(spec.inputs, {}) if spec else {}
                found[str(port["name"])] = known.get(entry["name"])
        return found

    def with_primitive(self, node: Node, name: str, primitive: Primitive) -> Node:
        spec = self.specs.get(node.type)
        input = declared(spec.inputs, node.inputs).get(name) if spec else None
        if not primitive.values or primitive.values[0] is None:
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
                drawing.text(port.get("label")),
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
                    drawing.text(port.get("label")),
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
        kind = _kind(raw)
        if kind in self.definitions:
            return [str(port["name"]) for port in self.definitions[kind].get("outputs") or ()]
        if (spec := self.specs.get(kind)) is not None:
            return [output.name for output in spec.outputs]
        return names_of(raw.get("outputs"))


def _kind(raw: dict[str, Json]) -> str:
    """The type of a node, by its name of today."""
    return kind_of(RENAMED.get(raw["type"], str(raw["type"])))


def _definitions(data: dict[str, Json]) -> dict[str, dict[str, Json]]:
    """The definitions of subgraphs by id, those that stand inside others too."""
    found: dict[str, dict[str, Json]] = {}
    pending = [data]
    while pending:
        below = (pending.pop().get("definitions") or {}).get("subgraphs") or []
        new = {str(each["id"]): each for each in below if str(each["id"]) not in found}
        found |= new
        pending.extend(new.values())
    return found


def _promoted(raw: dict[str, Json], widgets: Iterable[str]) -> list[str | None]:
    """For each value of an instance the input it sets; None where it shows what a node inside holds."""
    proxies = (raw.get("properties") or {}).get("proxyWidgets")
    if isinstance(proxies, str):
        proxies = parse(proxies)
    if not isinstance(proxies, list):
        return [*widgets]
    return [str(name) if str(node) == "-1" else None for node, name, *_ in proxies]


def _groups(raw: Json) -> tuple[Group, ...]:
    found = (drawing.group(each, index) for index, each in enumerate(raw or (), start=1))
    return tuple(each for each in found if each is not None)


def _ports(data: dict[str, Json], side: str) -> list[dict[str, Json]]:
    """The named inputs or outputs of a subgraph definition; a root graph has none."""
    return data.get(side) or [] if f"{side[:-1]}Node" in data else []


def _sockets(entries: Json) -> list[dict[str, Json]]:
    """Names and types of an unknown node's sockets, so that they can be drawn."""
    return [
        {"name": name, "type": str(entry.get("type") or "*")}
        for name, entry in zip(names_of(entries), entries or (), strict=True)
    ]


def _free(name: str, taken: Mapping[str, object]) -> str:
    number = 1
    while (candidate := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return candidate
