"""Our workflow JSON, read and written.

Reading refuses what is not exactly a workflow, in a sentence that says where; a link to a node that is not
there is no reading error (validation reports it). Writing is stable and made for diffs: nodes in the order
given, one block each; within a node links stand before values; whatever has its default is left out.

A link may keep the value its widget had: `{"link": ["a", "INT"], "value": 20}`. The document's `extra` holds
the outer graph's own `extra` as well. Links into nodes that are not there cannot be written.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

import msgspec

from graph.errors import UnreadableWorkflow
from graph.limits import check_data, parse
from graph.suggest import brief, did_you_mean
from graph.workflow import FORMAT, Graph, Group, Json, Link, NamedInput, NamedOutput, Node, Note, Workflow

T = TypeVar("T")
MAX_NODES = 10_000
MAX_LINKS = 50_000
MAX_ID_BYTES = 200
LINE = 100
_GRAPH_KEYS = ("title", "nodes", "groups", "notes", "inputs", "outputs", "extra")
_DOCUMENT_KEYS = ("format", "id", *_GRAPH_KEYS, "subgraphs")
_EXPORTED = 'A workflow exported by another program is read by "Import" instead.'


def read(text: str | bytes) -> Workflow:
    """The workflow that a file holds. Raises UnreadableWorkflow with what is wrong, and where."""
    data = parse(text)
    try:
        return from_json(data)
    except UnreadableWorkflow as error:
        line = _line_of(error.node, text)
        if line is None:
            raise
        raise UnreadableWorkflow(f"{error.message} (line {line})", error.hint, error.node) from error


def from_json(data: Json) -> Workflow:
    """The workflow that decoded JSON holds. Raises UnreadableWorkflow."""
    check_data(data)
    _check_format(data)
    _known(data, _DOCUMENT_KEYS, "the document")
    subgraphs = {
        id: _graph(raw, f"subgraph {brief(id)}", _GRAPH_KEYS)
        for id, raw in _object(data.get("subgraphs", {}), "`subgraphs`").items()
    }
    body = _graph(
        {key: data[key] for key in _GRAPH_KEYS if key in data and key != "extra"}, "the document", _GRAPH_KEYS
    )
    id, extra = data.get("id", ""), _object(data.get("extra", {}), "`extra`")
    if not isinstance(id, str):
        raise UnreadableWorkflow(f"The document's `id` should be a text, but is {_kind(id)}.")
    workflow = Workflow(body, id, subgraphs, extra)
    _check_counts(workflow)
    return workflow


def check_id(id: str) -> None:
    """Raise UnreadableWorkflow for an id that no node may have."""
    if not 0 < len(id.encode()) <= MAX_ID_BYTES:
        raise UnreadableWorkflow(f"The id of node {brief(id)} should have 1 to {MAX_ID_BYTES} bytes.")


def to_json(workflow: Workflow) -> dict[str, Json]:
    """The workflow as plain JSON data, defaults left out."""
    data: dict[str, Json] = {"format": FORMAT}
    if workflow.id:
        data["id"] = workflow.id
    body = _graph_json(workflow.graph)
    extra = {**body.pop("extra", {}), **workflow.extra}
    data |= body
    if workflow.subgraphs:
        data["subgraphs"] = {id: _graph_json(graph) for id, graph in workflow.subgraphs.items()}
    if extra:
        data["extra"] = extra
    return data


def write(workflow: Workflow) -> str:
    """The workflow as text that reads well in a diff; the same workflow always gives the same text."""
    return "".join(_lines(to_json(workflow), "", _OPEN)) + "\n"


def schema() -> dict[str, Json]:
    """The JSON Schema of the document."""
    _, parts = msgspec.json.schema_components(
        (Node, Group, Note, NamedInput, NamedOutput), ref_template="#/$defs/{name}"
    )
    for part in parts.values():
        part["additionalProperties"] = False
    pair = {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "string"}],
        "minItems": 2,
        "maxItems": 2,
    }
    link = {"link": pair, "value": {}, "extra": {"type": "object"}}
    parts["Input"] = {
        "description": "A value, a link, or an object as a value.",
        "anyOf": [
            {"type": ["null", "boolean", "number", "string", "array"]},
            {"type": "object", "properties": link, "required": ["link"], "additionalProperties": False},
            {
                "type": "object",
                "properties": {"value": {}},
                "required": ["value"],
                "additionalProperties": False,
            },
        ],
    }
    parts["Node"]["properties"]["inputs"] = _map_of("Input") | {"default": {}}
    body = {
        "title": {"type": "string"},
        "nodes": _map_of("Node") | {"propertyNames": {"minLength": 1}},
        **{
            key: {"type": "array", "items": {"$ref": f"#/$defs/{cls.__name__}"}}
            for key, cls in _LISTS.items()
        },
        "extra": {"type": "object"},
    }
    parts["Graph"] = {"type": "object", "properties": body, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Photogram workflow",
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "id": {"type": "string"},
            **body,
            "subgraphs": _map_of("Graph"),
        },
        "required": ["format"],
        "additionalProperties": False,
        "$defs": parts,
    }


_LISTS: dict[str, type[Group] | type[Note] | type[NamedInput] | type[NamedOutput]] = {
    "groups": Group,
    "notes": Note,
    "inputs": NamedInput,
    "outputs": NamedOutput,
}


def _map_of(name: str) -> dict[str, Json]:
    return {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{name}"}}


# Reading


def _check_format(data: Json) -> None:
    if not isinstance(data, dict):
        raise UnreadableWorkflow(f"A workflow is a JSON object, but this is {_kind(data)}.")
    version = data.get("format")
    if version is None:
        raise UnreadableWorkflow("This is not a Photogram workflow: it has no `format` number.", _EXPORTED)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadableWorkflow(
            f"`format` should be {FORMAT}, but is {json.dumps(version)[:40]}.", _EXPORTED
        )
    if version > FORMAT:
        raise UnreadableWorkflow(
            f"This workflow was saved by a newer version (format {version}; this program reads {FORMAT}).",
            "Update Photogram to open it.",
        )


def _check_counts(workflow: Workflow) -> None:
    graphs = (workflow.graph, *workflow.subgraphs.values())
    counts = (
        ("nodes", sum(len(g.nodes) for g in graphs), MAX_NODES),
        ("links", sum(len(g.links) for g in graphs), MAX_LINKS),
    )
    for what, count, most in counts:
        if count > most:
            raise UnreadableWorkflow(
                f"The workflow has {count:,} {what}; at most {most:,} are read.",
                "Split it into several workflows.",
            )


def _graph(raw: Json, where: str, known: Sequence[str]) -> Graph:
    raw = _object(raw, where)
    _known(raw, known, where)
    nodes: dict[str, Node] = {}
    links: list[Link] = []
    for id, raw_node in _object(raw.get("nodes", {}), f"`nodes` of {where}").items():
        nodes[id] = _node(id, raw_node, links)
    extra = _object(raw.get("extra", {}), f"`extra` of {where}")
    title = raw.get("title", "")
    if not isinstance(title, str):
        raise UnreadableWorkflow(f"The `title` of {where} should be a text, but is {_kind(title)}.")
    return Graph(
        nodes,
        tuple(links),
        _items(raw, "groups", Group, where),
        _items(raw, "notes", Note, where),
        _items(raw, "inputs", NamedInput, where),
        _items(raw, "outputs", NamedOutput, where),
        title,
        extra,
    )


def _node(id: str, raw: Json, links: list[Link]) -> Node:
    where = f"node '{id}'"
    check_id(id)
    raw = _object(raw, where, id)
    literals: dict[str, Json] = {}
    for name, value in _object(raw.get("inputs", {}), f"`inputs` of {where}", id).items():
        if not isinstance(value, dict):
            literals[name] = value
            continue
        if "link" in value:
            links.append(_link(id, name, value))
        if "value" in value:
            literals[name] = value["value"]
        if unknown := value.keys() - ({"link", "value", "extra"} if "link" in value else {"value"}):
            raise UnreadableWorkflow(
                f"Input {brief(name)} of {where} is an object with {brief(min(unknown))}.",
                'Write {"link": [node, output]} for a link, {"value": ...} around a value that is an object.',
                id,
            )
        if not value:
            raise UnreadableWorkflow(
                f"Input {brief(name)} of {where} is an empty object.", 'Write {"value": {}}.', id
            )
    return _converted({**raw, "inputs": literals}, Node, where, id)


def _link(id: str, name: str, raw: Mapping[str, Json]) -> Link:
    match raw["link"]:
        case [str(source), str(output)]:
            extra = _object(raw.get("extra", {}), f"`extra` of input {brief(name)} of node '{id}'", id)
            return Link(source, output, id, name, extra)
    raise UnreadableWorkflow(
        f"The link of input {brief(name)} of node '{id}' is not a pair of texts.",
        'Write {"link": ["node id", "output name"]}.',
        id,
    )


def _items(graph: Mapping[str, Json], key: str, cls: type[T], where: str) -> tuple[T, ...]:
    raw = graph.get(key, [])
    if not isinstance(raw, list):
        raise UnreadableWorkflow(f"`{key}` of {where} should be a list, but is {_kind(raw)}.")
    places = (f"`{key}[{i}]` of {where}" for i in range(len(raw)))
    return tuple(
        _converted(_object(item, place), cls, place) for item, place in zip(raw, places, strict=True)
    )


def _converted(raw: Mapping[str, Json], cls: type[T], where: str, node: str | None = None) -> T:
    _known(raw, _NAMES[cls], where, node)
    try:
        return msgspec.convert(raw, cls)
    except (msgspec.ValidationError, OverflowError) as error:
        found = re.match(r"(.+?)(?: - at `\$\.?(.*)`)?$", str(error), re.DOTALL)
        what, path = (found[1], found[2]) if found else (str(error), None)
        raise UnreadableWorkflow(
            f"{f'`{path}` of {where}' if path else _capital(where)} cannot be read: {what[:200]}.", node=node
        ) from error


def _known(raw: Mapping[str, Json], known: Sequence[str], where: str, node: str | None = None) -> None:
    for key in raw:
        if key not in known:
            hint = did_you_mean(key, known) or "Data of your own belongs into `extra`."
            raise UnreadableWorkflow(
                f"{_capital(where)} has {brief(key)}, which this program does not know.", hint, node
            )


def _capital(where: str) -> str:
    return where[:1].upper() + where[1:]


def _object(raw: Json, where: str, node: str | None = None) -> dict[str, Json]:
    if isinstance(raw, dict):
        return raw
    raise UnreadableWorkflow(f"{_capital(where)} should be an object, but is {_kind(raw)}.", node=node)


def _kind(value: Json) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _line_of(node: str | None, text: str | bytes) -> int | None:
    """The line where a node's id stands as a key, if it does so once."""
    if node is None:
        return None
    whole = text.decode(errors="replace") if isinstance(text, bytes) else text
    found = list(re.finditer(re.escape(json.dumps(node, ensure_ascii=False)) + r"\s*:", whole))
    return whole.count("\n", 0, found[0].start()) + 1 if len(found) == 1 else None


# Writing


def _graph_json(graph: Graph) -> dict[str, Json]:
    wires: dict[str, dict[str, Link]] = {}
    for link in graph.links:
        wires.setdefault(link.to_node, {})[link.input] = link
    data: dict[str, Json] = {"title": graph.title} if graph.title else {}
    data["nodes"] = {id: _node_json(node, wires.get(id, {})) for id, node in graph.nodes.items()}
    for key in _LISTS:
        if items := getattr(graph, key):
            data[key] = [_plain(item) for item in items]
    if graph.extra:
        data["extra"] = dict(graph.extra)
    return data


def _node_json(node: Node, wires: Mapping[str, Link]) -> dict[str, Json]:
    inputs: dict[str, Json] = {}
    for name, link in wires.items():
        inputs[name] = {"link": [link.from_node, link.output]}
        if name in node.inputs:
            inputs[name]["value"] = node.inputs[name]
        if link.extra:
            inputs[name]["extra"] = dict(link.extra)
    for name, value in node.inputs.items():
        inputs.setdefault(name, {"value": value} if isinstance(value, dict) else value)
    data = _plain(node)
    data.pop("inputs", None)
    first = {key: data.pop(key) for key in ("type", "pack", "version", "title") if key in data}
    return first | ({"inputs": inputs} if inputs else {}) | data


def _plain(item: Any) -> dict[str, Json]:
    """A dataclass as a JSON object without its defaults."""
    data: dict[str, Json] = {}
    for field in _fields(type(item)):
        value = getattr(item, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if default is MISSING or value != default:
            data[field.name] = _json(value)
    return data


def _json(value: Json) -> Json:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return dict(value) if isinstance(value, Mapping) else value


def _fields(cls: type) -> tuple[Field[Any], ...]:
    return fields(cls)


_NAMES: Mapping[type, tuple[str, ...]] = {
    cls: tuple(field.name for field in _fields(cls)) for cls in (Node, *_LISTS.values())
}
_OPEN_GRAPH: Mapping[str, Any] = {"nodes": {"*": {"inputs": {}}}, **{key: {} for key in _LISTS}}
_OPEN: Mapping[str, Any] = {**_OPEN_GRAPH, "subgraphs": {"*": _OPEN_GRAPH}}
"""What is never folded into one line."""


def _lines(value: Json, indent: str, opened: Mapping[str, Any] | None) -> Iterator[str]:
    if not isinstance(value, dict | list) or not value:
        yield json.dumps(value, ensure_ascii=False)
        return
    if opened is None:
        folded = json.dumps(value, ensure_ascii=False)
        if len(indent) + len(folded) <= LINE:
            yield folded
            return
    pairs = (
        [(f"{json.dumps(k, ensure_ascii=False)}: ", k, v) for k, v in value.items()]
        if isinstance(value, dict)
        else [("", "", v) for v in value]
    )
    inner = indent + "  "
    yield "{" if isinstance(value, dict) else "["
    for i, (label, key, item) in enumerate(pairs):
        yield f"{',' if i else ''}\n{inner}{label}"
        yield from _lines(item, inner, None if opened is None else opened.get(key, opened.get("*")))
    yield f"\n{indent}" + ("}" if isinstance(value, dict) else "]")
