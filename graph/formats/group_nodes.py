"""Group nodes: what the field's editor had before subgraphs. Each becomes the definition of a subgraph.

The file's `extra` holds the inside: nodes, links between their places in the list, the outputs that show
although they are used inside (`external`), and which inputs and outputs were renamed or hidden (`config`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from graph.declared import declared
from graph.formats.wires import EXIT, PORT, names_of, widget_values
from graph.node import Input, NodeSpec, Widget
from graph.workflow import Json

PREFIXES = ("workflow>", "workflow/")
"""What the type of a group node begins with, now and in older files."""
NOT_INSIDE = ("Note", "MarkdownNote")


class GroupNode(NamedTuple):
    """The inside as the definition of a subgraph; and what the values of an instance set, in their order."""

    definition: dict[str, Json]
    widgets: tuple[Input, ...]


def group_nodes(extra: Json, used: Collection[str], specs: Mapping[str, NodeSpec]) -> dict[str, GroupNode]:
    """The group nodes in a file's `extra`, by the type of their instances; only types that are used."""
    found = (extra.get("groupNodes") if isinstance(extra, dict) else None) or {}
    kinds = {PREFIXES[0] + name: name for name in found}
    return {
        kind: _Inside(found[name], specs).definition(name) for kind, name in kinds.items() if kind in used
    }


def kind_of(kind: str) -> str:
    """The type of a node as files of today write it."""
    return PREFIXES[0] + kind.removeprefix(PREFIXES[1]) if kind.startswith(PREFIXES[1]) else kind


@dataclass(slots=True)
class _Names:
    """Names that are taken: a second node's input is called after the node, too."""

    seen: dict[str, int] = field(default_factory=dict)

    def free(self, node: dict[str, Json], wanted: str, always: bool = False) -> str:
        title = str(node.get("title") or node["type"])
        key = name = f"{title} {wanted}" if always or wanted in self.seen else wanted
        if key in self.seen:
            name = f"{title} {self.seen[key]} {wanted}"
        self.seen[key] = self.seen.get(key, 1) + 1
        return name


class _Inside:
    """The nodes of a group while their wires are laid."""

    def __init__(self, raw: dict[str, Json], specs: Mapping[str, NodeSpec]) -> None:
        self.raw, self.specs = raw, specs
        self.nodes: list[dict[str, Json]] = [
            {**node, "id": place, "inputs": [{**entry, "link": None} for entry in node.get("inputs") or ()]}
            for place, node in enumerate(raw["nodes"])
        ]
        self.wires = [wire[:4] for wire in raw.get("links") or () if None not in wire[:4]]
        self.external = {(_place(node), slot) for node, slot, *_ in raw.get("external") or ()}
        self.links: list[dict[str, Json]] = []
        self.ports: list[dict[str, Json]] = []
        self.widgets: list[Input] = []

    def definition(self, name: str) -> GroupNode:
        rolled = {place for place, node in enumerate(self.nodes) if node["type"] == "PrimitiveNode"}
        for origin, origin_slot, target, slot in self.wires:
            if origin not in rolled:
                self.connect(origin, origin_slot, self.nodes[target]["inputs"][slot], target)
        names = _Names()
        for place, node in enumerate(self.nodes):
            if place in rolled:
                self.primitive(place, node, names)
            elif node["type"] not in NOT_INSIDE:
                self.inputs(place, node, names)
        outputs = list(self.outputs())
        made = {
            "name": name,
            "inputNode": {},
            "outputNode": {},
            "inputs": self.ports,
            "outputs": outputs,
            "nodes": [node for place, node in enumerate(self.nodes) if place not in rolled],
            "links": self.links,
        }
        return GroupNode(made, tuple(self.widgets))

    def connect(self, origin: object, origin_slot: int, entry: dict[str, Json], target: object) -> int:
        """Lay one wire into an input; its number."""
        entry["link"] = len(self.links) + 1
        self.link(origin, origin_slot, target, 0)
        return len(self.links)

    def link(self, origin: object, origin_slot: int, target: object, slot: int) -> None:
        made = {"origin_id": origin, "origin_slot": origin_slot, "target_id": target, "target_slot": slot}
        self.links.append({"id": len(self.links) + 1, **made})

    def port(self, name: str, wire_type: Json, entries: list[tuple[int, dict[str, Json]]]) -> None:
        """An input of the whole group, into these inputs of its nodes."""
        laid = [self.connect(PORT, len(self.ports), entry, place) for place, entry in entries]
        self.ports.append({"name": name, "type": wire_type, "linkIds": laid})

    def primitive(self, place: int, node: dict[str, Json], names: _Names) -> None:
        """A value for several inputs becomes an input of the group."""
        fed = [
            (target, self.nodes[target]["inputs"][slot]) for at, _, target, slot in self.wires if at == place
        ]
        if not fed:
            return
        target, entry = fed[0]
        name = names.free(node, "value", always=bool(node.get("title")))
        wanted = self.declared(target).get(entry["name"])
        self.widgets.append(replace(wanted, name=name) if wanted else _unknown(name))
        self.port(name, entry.get("type"), fed)

    def inputs(self, place: int, node: dict[str, Json], names: _Names) -> None:
        """Each input that nothing inside feeds becomes one of the group, unless it was hidden."""
        entries = dict(zip(self.sockets(place), node["inputs"], strict=True))
        known = self.declared(place)
        for name in dict.fromkeys((*known, *entries)):
            entry, wanted = entries.get(name), known.get(name)
            changed = self.changed(place, "input", name)
            if changed.get("visible") is False or (entry and entry["link"] is not None):
                continue
            called = names.free(node, str(changed.get("name") or (entry or {}).get("label") or name))
            if entry is None:
                assert wanted is not None
                entry = {"name": name, "type": wanted.type}
                if wanted.widget is not None or wanted.options:
                    entry["widget"] = {"name": name}
                    self.widgets.append(replace(wanted, name=called))
                node["inputs"].append(entry)
            self.port(called, entry.get("type"), [(place, entry)])
        if node["type"] not in self.specs:
            self.widgets.extend(_unknown("") for _ in widget_values(node))

    def sockets(self, place: int) -> list[str]:
        """The names of a node's inputs. That of a reroute is called after what it carries."""
        node = self.nodes[place]
        names = names_of(node["inputs"])
        if node["type"] != "Reroute":
            return names
        wires = [
            wire for wire in self.raw.get("links") or () if len(wire) > 5 and place in (wire[0], wire[2])
        ]
        carried = [str(wire[5]) for wire in wires]
        return [carried[0] if carried else name for name in names]

    def outputs(self) -> Iterator[dict[str, Json]]:
        """The outputs that nothing inside reads, or that were shown all the same."""
        used = {(origin, slot) for origin, slot, _, _ in self.wires}
        names, count = _Names(), 0
        for place, node in enumerate(self.nodes):
            spec = self.specs.get(node["type"])
            given = [each.name for each in spec.outputs] if spec else names_of(node.get("outputs"))
            for slot, name in enumerate(given):
                changed = self.changed(place, "output", str(slot))
                is_open = (place, slot) in self.external or (place, slot) not in used
                if node["type"] == "PrimitiveNode" or not changed.get("visible", is_open):
                    continue
                entries = node.get("outputs") or ()
                label = entries[slot].get("label") if slot < len(entries) else None
                self.link(place, slot, EXIT, count)
                count += 1
                yield {"name": names.free(node, str(changed.get("name") or label or name)), "type": "*"}

    def declared(self, place: int) -> Mapping[str, Input]:
        spec = self.specs.get(self.nodes[place]["type"])
        return declared(spec.inputs, {}) if spec else {}

    def changed(self, place: int, side: str, name: str) -> Mapping[str, Json]:
        """What the person changed about an input or output: its name, whether it is visible."""
        config = (self.raw.get("config") or {}).get(str(place)) or {}
        return (config.get(side) or {}).get(name) or {}


def _place(node: Json) -> Json:
    """A node by its place in the list; some files hold the whole node."""
    return node.get("index") if isinstance(node, dict) else node


def _unknown(name: str) -> Input:
    """A widget of which only the place is known."""
    return Input(name, "*", Widget("text"))
