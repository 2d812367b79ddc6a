/** The workflow document from its JSON. What is not exactly one is refused, in a sentence that says where. */

import { type Fields, UnreadableWorkflow, fieldsOf } from "./fields";
import { type Json, NO_EXTRA, isList, isNumber, isObject, readJson } from "./json";
import type {
  Graph,
  Group,
  Link,
  NamedInput,
  NamedOutput,
  Node,
  Note,
  Port,
  SeedMode,
  Workflow,
} from "./workflow";
import { NOTE_SIZE } from "./workflow";

export const FORMAT = 1;

/** A document from its text. Raises UnreadableWorkflow or UnreadableJson with a sentence for the reader. */
export function parse(text: string): Workflow {
  return fromJson(readJson(text));
}

export function fromJson(data: Json): Workflow {
  const fields = fieldsOf(data, "the document");
  const format = fields.take("format");
  if (typeof format !== "number")
    throw new UnreadableWorkflow("This is not a Photogram workflow: it names no format.");
  if (format > FORMAT) {
    throw new UnreadableWorkflow(
      `This workflow has format ${format}; this version reads up to ${FORMAT}. Update Photogram.`,
    );
  }
  const id = fields.text("id");
  const subgraphs = new Map(
    fields.entries("subgraphs").map(([key, each]) => [key, readBody(each, `subgraph ${key}`)]),
  );
  const extra = fields.object("extra");
  return { id, graph: { ...readGraph(fields), extra: NO_EXTRA }, subgraphs, extra };
}

function readBody(data: Json, where: string): Graph {
  return readGraph(fieldsOf(data, where));
}

function readGraph(fields: Fields): Graph {
  const links: Link[] = [];
  const nodes = new Map(
    fields.entries("nodes").map(([id, each]) => [id, readNode(id, each, links)] as const),
  );
  const graph: Graph = {
    title: fields.text("title"),
    nodes,
    links,
    groups: fields.list("groups").map(readGroup),
    notes: fields.list("notes").map(readNote),
    inputs: fields.list("inputs").map(readNamedInput),
    outputs: fields.list("outputs").map(readNamedOutput),
    extra: fields.object("extra"),
  };
  fields.end();
  return graph;
}

function readNode(id: string, data: Json, links: Link[]): Node {
  const fields = fieldsOf(data, `node ${id}`);
  const inputs = new Map<string, Json>();
  for (const [name, value] of fields.entries("inputs")) {
    if (!isObject(value)) {
      inputs.set(name, value);
      continue;
    }
    const input = fieldsOf(value, `input ${name} of node ${id}`);
    const literal = input.take("value");
    if (literal !== undefined) inputs.set(name, literal);
    if (Object.hasOwn(value, "link") || literal === undefined)
      links.push(readLink(input, { node: id, name }));
    input.end();
  }
  const node: Node = {
    type: fields.text("type"),
    pack: fields.text("pack"),
    version: fields.number("version", 1),
    title: fields.textOrNull("title"),
    inputs,
    position: fields.pair("position", [0, 0]),
    size: fields.has("size") ? fields.pair("size", [0, 0]) : null,
    state: fields.oneOf("state", ["on", "skipped", "off"]),
    color: fields.textOrNull("color"),
    pinned: fields.flag("pinned"),
    collapsed: fields.flag("collapsed"),
    seeds: new Map(fields.entries("seeds").map(([name, mode]) => [name, readMode(mode, id)])),
    extra: fields.object("extra"),
  };
  if (node.type === "") throw new UnreadableWorkflow(`Node ${id} has no type.`);
  fields.end();
  return node;
}

function readMode(mode: Json, id: string): SeedMode {
  if (mode === "fixed" || mode === "random" || mode === "increment" || mode === "decrement") return mode;
  throw new UnreadableWorkflow(
    `Node ${id} has a seed mode that is none of fixed, random, increment, decrement.`,
  );
}

function readLink(fields: Fields, to: Port): Link {
  const from = readPort(fields.take("link"), `the link into ${to.node}`);
  return { from, to, extra: fields.object("extra") };
}

function readPort(data: Json | undefined, where: string): Port {
  if (isList(data) && data.length === 2) {
    const [node, name] = data;
    if (typeof node === "string" && typeof name === "string") return { node, name };
  }
  throw new UnreadableWorkflow(
    `In ${where} a pair of a node's id and a name is expected, as in ["loader", "MODEL"].`,
  );
}

function readGroup(data: Json): Group {
  const fields = fieldsOf(data, "a group");
  const bounds = fields.list("bounds");
  const [x, y, width, height] = bounds.filter(isNumber).map(Number);
  if (x === undefined || y === undefined || width === undefined || height === undefined) {
    throw new UnreadableWorkflow("A group's bounds are four numbers: x, y, width, height.");
  }
  const group: Group = {
    id: fields.text("id"),
    title: fields.text("title"),
    bounds: [x, y, width, height],
    color: fields.textOrNull("color"),
    extra: fields.object("extra"),
  };
  fields.end();
  return group;
}

function readNote(data: Json): Note {
  const fields = fieldsOf(data, "a note");
  const note: Note = {
    id: fields.text("id"),
    text: fields.text("text"),
    position: fields.pair("position", [0, 0]),
    size: fields.pair("size", NOTE_SIZE),
    color: fields.textOrNull("color"),
    extra: fields.object("extra"),
  };
  fields.end();
  return note;
}

function readNamedInput(data: Json): NamedInput {
  const fields = fieldsOf(data, "a named input");
  const named: NamedInput = {
    name: fields.text("name"),
    targets: fields.list("targets").map((target) => readPort(target, "a named input")),
    type: fields.text("type", "*"),
    title: fields.textOrNull("title"),
    extra: fields.object("extra"),
  };
  fields.end();
  return named;
}

function readNamedOutput(data: Json): NamedOutput {
  const fields = fieldsOf(data, "a named output");
  const named: NamedOutput = {
    name: fields.text("name"),
    source: readPort(fields.take("source"), "a named output"),
    type: fields.text("type", "*"),
    title: fields.textOrNull("title"),
    extra: fields.object("extra"),
  };
  fields.end();
  return named;
}
