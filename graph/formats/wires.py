"""Where the links of the field's editor format really come from, past reroutes and other drawing aids."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from graph.errors import UnreadableWorkflow
from graph.workflow import Json

PORT, EXIT = "-10", "-20"
"""The ids that stand for a subgraph's own inputs and outputs inside it."""


class Source(NamedTuple):
    """An output of a real node."""

    node: str
    output: str


class Primitive(NamedTuple):
    """A primitive node: a value, and how it is rolled between runs."""

    node: str
    values: tuple[Json, ...]


Origin: TypeAlias = Source | Primitive | int | None
"""Where a link comes from: a node, a primitive, a numbered input of the subgraph, or nowhere."""


class Wire(NamedTuple):
    """One link record."""

    origin: str
    origin_slot: int
    target: str
    target_slot: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The nodes and links of one graph of a file."""

    nodes: Mapping[str, dict[str, Json]]
    wires: Mapping[Json, Wire]
    output_names: Callable[[dict[str, Json]], list[str]]
    setters: Mapping[Json, dict[str, Json]]

    def sources(self, id: str) -> Iterator[tuple[str, Origin]]:
        """Each wired input of a node and where its link comes from; the node's own record says which are."""
        for name, entry in zip(
            names_of(self.nodes[id].get("inputs")), self.nodes[id].get("inputs") or (), strict=True
        ):
            if entry.get("link") is not None:
                yield name, self.origin(entry["link"])

    def leaving(self, index: int) -> Origin:
        """What feeds a numbered output of the subgraph; the first link wins."""
        for link, wire in self.wires.items():
            if wire.target == EXIT and wire.target_slot == index:
                return self.origin(link)
        return None

    def origin(self, link: Json) -> Origin:
        """Follow a link to where its value is made. Raises UnreadableWorkflow if it leads in a circle."""
        seen = set()
        while link is not None and (wire := self.wires.get(link)) is not None:
            if link in seen:
                raise UnreadableWorkflow("Reroutes of this workflow lead in a circle.", "Remove one of them.")
            seen.add(link)
            if wire.origin == PORT:
                return wire.origin_slot
            raw = self.nodes.get(wire.origin)
            if raw is None:
                return None
            match raw["type"]:
                case "PrimitiveNode":
                    return Primitive(wire.origin, tuple(widget_values(raw)))
                case "Reroute" | "SetNode":
                    link = _only_link(raw)
                case "GetNode":
                    link = _only_link(self.setters.get(_label(raw), {}))
                case _:
                    names = self.output_names(raw)
                    known = 0 <= wire.origin_slot < len(names)
                    return Source(wire.origin, names[wire.origin_slot] if known else str(wire.origin_slot))
        return None


def sheet(data: dict[str, Json], output_names: Callable[[dict[str, Json]], list[str]]) -> Sheet:
    """Lay out one graph of a file; links may be arrays or objects."""
    nodes = {str(raw["id"]): raw for raw in data["nodes"]}
    wires = dict(_wire(raw) for raw in data.get("links") or () if raw)
    setters = {_label(raw): raw for raw in nodes.values() if raw["type"] == "SetNode"}
    return Sheet(nodes, wires, output_names, setters)


def names_of(entries: Json) -> list[str]:
    """The names of sockets by position; a repeated one gets a number."""
    names: list[str] = []
    for index, entry in enumerate(entries or ()):
        name = str(entry.get("name") or index)
        count = names.count(name)
        names.append(name if not count else f"{name}_{count + 1}")
    return names


def widget_values(raw: Mapping[str, Json]) -> list[Json]:
    """The values of a node's widgets in order; some files keep them by name."""
    values = raw.get("widgets_values") or []
    return list(values.values()) if isinstance(values, dict) else list(values)


def _wire(raw: Json) -> tuple[Json, Wire]:
    if isinstance(raw, dict):
        fields = [raw[key] for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
    else:
        fields = raw
    id, origin, origin_slot, target, target_slot = fields[:5]
    return id, Wire(str(origin), int(origin_slot), str(target), int(target_slot))


def _only_link(raw: Mapping[str, Json]) -> Json:
    entries = raw.get("inputs") or [{}]
    return entries[0].get("link")


def _label(raw: Mapping[str, Json]) -> Json:
    return next(iter(widget_values(raw)), None)
