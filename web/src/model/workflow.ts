/** The workflow document as immutable data. The file format is in document.ts. Maps, not objects: any id is plain data. */

import type { NodeState, SeedMode } from "../api/types";
import type { Json, JsonObject } from "./json";

export type { NodeState, SeedMode } from "../api/types";
export type Point = readonly [x: number, y: number];
export type Size = readonly [width: number, height: number];
/** x, y, width, height in canvas pixels at zoom 1. */
export type Bounds = readonly [x: number, y: number, width: number, height: number];

/** One input or one output of one node. */
export interface Port {
  readonly node: string;
  readonly name: string;
}

/** A wire: an output (`from`) feeds an input (`to`). An input holds at most one. */
export interface Link {
  readonly from: Port;
  readonly to: Port;
  readonly extra: JsonObject;
}

/** `inputs` holds the literals; what is wired stands in the graph's links. `type` may be the id of a subgraph. */
export interface Node {
  readonly type: string;
  readonly pack: string;
  readonly version: number;
  readonly title: string | null;
  readonly inputs: ReadonlyMap<string, Json>;
  readonly position: Point;
  readonly size: Size | null;
  readonly state: NodeState;
  readonly color: string | null;
  readonly pinned: boolean;
  readonly collapsed: boolean;
  readonly seeds: ReadonlyMap<string, SeedMode>;
  readonly extra: JsonObject;
}

/** A titled frame around nodes. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly bounds: Bounds;
  readonly color: string | null;
  readonly extra: JsonObject;
}

/** Text on the canvas, in Markdown without raw HTML. */
export interface Note {
  readonly id: string;
  readonly text: string;
  readonly position: Point;
  readonly size: Size;
  readonly color: string | null;
  readonly extra: JsonObject;
}

/** An input of the whole graph: its value goes to every target. */
export interface NamedInput {
  readonly name: string;
  readonly targets: readonly Port[];
  readonly type: string;
  readonly title: string | null;
  readonly extra: JsonObject;
}

/** An output of the whole graph. */
export interface NamedOutput {
  readonly name: string;
  readonly source: Port;
  readonly type: string;
  readonly title: string | null;
  readonly extra: JsonObject;
}

/** The body of a document and of each of its subgraphs. The order of `nodes` is the order of drawing. */
export interface Graph {
  readonly title: string;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly links: readonly Link[];
  readonly groups: readonly Group[];
  readonly notes: readonly Note[];
  readonly inputs: readonly NamedInput[];
  readonly outputs: readonly NamedOutput[];
  readonly extra: JsonObject;
}

export interface Workflow {
  readonly id: string;
  readonly graph: Graph;
  readonly subgraphs: ReadonlyMap<string, Graph>;
  readonly extra: JsonObject;
}

export const NOTE_SIZE: Size = [280, 160];

const NO_NODE: Node = {
  type: "",
  pack: "",
  version: 1,
  title: null,
  inputs: new Map(),
  position: [0, 0],
  size: null,
  state: "on",
  color: null,
  pinned: false,
  collapsed: false,
  seeds: new Map(),
  extra: {},
};

const NO_GRAPH: Graph = {
  title: "",
  nodes: new Map(),
  links: [],
  groups: [],
  notes: [],
  inputs: [],
  outputs: [],
  extra: {},
};

/** A node of a type; whatever is not said has its default. */
export function nodeOf(type: string, fields: Partial<Omit<Node, "type">> = {}): Node {
  return { ...NO_NODE, ...fields, type };
}

export function graphOf(fields: Partial<Graph> = {}): Graph {
  return { ...NO_GRAPH, ...fields };
}

export function workflowOf(graph: Graph, fields: Partial<Omit<Workflow, "graph">> = {}): Workflow {
  return { id: "", subgraphs: new Map(), extra: {}, ...fields, graph };
}

export function linkOf(from: Port, to: Port, extra: JsonObject = {}): Link {
  return { from, to, extra };
}

export function samePort(one: Port, other: Port): boolean {
  return one.node === other.node && one.name === other.name;
}

/** A text that stands for a port, for sets, maps and element keys. */
export function portKey(port: Port): string {
  return JSON.stringify([port.node, port.name]);
}

/** A link is known by the input it feeds, which holds no other. */
export function linkKey(link: Link): string {
  return portKey(link.to);
}

/** The link that feeds an input. */
export function linkInto(graph: Graph, to: Port): Link | undefined {
  return graph.links.find((link) => samePort(link.to, to));
}

/** The names of a node's inputs that are wired. */
export function linkedInputs(graph: Graph, node: string): ReadonlySet<string> {
  return new Set(graph.links.filter((link) => link.to.node === node).map((link) => link.to.name));
}

/** The same for every node at once; nodes without links are absent. */
export function linkedByNode(graph: Graph): ReadonlyMap<string, ReadonlySet<string>> {
  const linked = new Map<string, Set<string>>();
  for (const { to } of graph.links) linked.set(to.node, (linked.get(to.node) ?? new Set()).add(to.name));
  return linked;
}
