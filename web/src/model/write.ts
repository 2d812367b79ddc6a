/** The workflow document as JSON; whatever has its default is left out. */

import { type Json, type JsonObject, NO_EXTRA, isObject, objectOf, writeJson } from "./json";
import { FORMAT } from "./read";
import type { Graph, Group, Link, NamedInput, NamedOutput, Node, Note, Port, Workflow } from "./workflow";

/** The document's text: two spaces deep, defaults left out, so that versions can be compared line by line. */
export function serialise(workflow: Workflow): string {
  return `${writeJson(toJson(workflow), 2)}\n`;
}

export function toJson(workflow: Workflow): JsonObject {
  const body = writeGraph({ ...workflow.graph, extra: NO_EXTRA });
  const subgraphs = [...workflow.subgraphs].map(([id, graph]) => [id, objectOf(writeGraph(graph))] as const);
  return objectOf([
    ["format", FORMAT],
    ...unless("id", workflow.id, ""),
    ...body,
    ...filled("subgraphs", objectOf(subgraphs)),
    ...filled("extra", { ...workflow.graph.extra, ...workflow.extra }),
  ]);
}

type Entries = readonly (readonly [string, Json])[];

function writeGraph(graph: Graph): Entries {
  const wires = Map.groupBy(graph.links, (link) => link.to.node);
  const nodes = [...graph.nodes].map(([id, node]) => [id, writeNode(node, wires.get(id) ?? [])] as const);
  return [
    ...unless("title", graph.title, ""),
    ["nodes", objectOf(nodes)],
    ...filled("groups", graph.groups.map(writeGroup)),
    ...filled("notes", graph.notes.map(writeNote)),
    ...filled(
      "inputs",
      graph.inputs.map((named) => writeNamed(named, "targets", named.targets.map(writePort))),
    ),
    ...filled(
      "outputs",
      graph.outputs.map((named) => writeNamed(named, "source", writePort(named.source))),
    ),
    ...filled("extra", graph.extra),
  ];
}

function writeNode(node: Node, wires: readonly Link[]): JsonObject {
  const links = wires.map((link) => [link.to.name, writeLink(link, node.inputs.get(link.to.name))] as const);
  const wired = new Set(wires.map((link) => link.to.name));
  const literals = [...node.inputs]
    .filter(([name]) => !wired.has(name))
    .map(([name, value]) => [name, isObject(value) ? { value } : value] as const);
  return objectOf([
    ["type", node.type],
    ...unless("pack", node.pack, ""),
    ...unless("version", node.version, 1),
    ...unless("title", node.title, null),
    ...filled("inputs", objectOf([...links, ...literals])),
    ["position", node.position],
    ...unless("size", node.size, null),
    ...unless("state", node.state, "on"),
    ...unless("color", node.color, null),
    ...unless("pinned", node.pinned, false),
    ...unless("collapsed", node.collapsed, false),
    ...filled("seeds", objectOf(node.seeds)),
    ...filled("extra", node.extra),
  ]);
}

/** A wired input keeps the value its widget had. */
function writeLink(link: Link, value: Json | undefined): JsonObject {
  return objectOf([
    ["link", writePort(link.from)],
    ...(value === undefined ? [] : [["value", value] as const]),
    ...filled("extra", link.extra),
  ]);
}

function writeGroup(group: Group): JsonObject {
  return objectOf([
    ["id", group.id],
    ["title", group.title],
    ["bounds", group.bounds],
    ...unless("color", group.color, null),
    ...filled("extra", group.extra),
  ]);
}

function writeNote(note: Note): JsonObject {
  const { id, text, position, size } = note;
  return objectOf([
    ...Object.entries({ id, text, position, size }),
    ...unless("color", note.color, null),
    ...filled("extra", note.extra),
  ]);
}

function writeNamed(named: NamedInput | NamedOutput, key: string, ports: Json): JsonObject {
  return objectOf([
    ["name", named.name],
    [key, ports],
    ...unless("type", named.type, "*"),
    ...unless("title", named.title, null),
    ...filled("extra", named.extra),
  ]);
}

function writePort(port: Port): readonly [string, string] {
  return [port.node, port.name];
}

function unless(key: string, value: Json, byDefault: Json): Entries {
  return value === byDefault ? [] : [[key, value]];
}

function filled(key: string, value: JsonObject | readonly Json[]): Entries {
  return Object.keys(value).length === 0 ? [] : [[key, value]];
}
