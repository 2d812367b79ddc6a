/** From the document to what is drawn: which parts each node has, how large it is, where its sockets are. */

import { type NodeBox, boxOf } from "../model/geometry";
import { type NodeSpec, type Specs, inputOf, outputOf, specOf } from "../model/spec";
import { staleNodes } from "../model/stale";
import { spokenNames } from "../ui/names";
import type { Graph, Link, Node } from "../model/workflow";

/** The wires of a graph, found by either end. */
export interface Wiring {
  readonly into: ReadonlyMap<string, ReadonlyMap<string, Link>>;
  readonly outOf: ReadonlyMap<string, ReadonlyMap<string, readonly Link[]>>;
}

export interface Figure {
  readonly spec: NodeSpec;
  /** The type is not in the catalog; what is drawn comes from the document alone. */
  readonly lost: boolean;
  readonly box: NodeBox;
  readonly wired: ReadonlySet<string>;
}

interface Known {
  readonly node: Node;
  readonly links: readonly Link[];
  readonly spec: NodeSpec | undefined;
  readonly wires: string;
  readonly preview: boolean;
  readonly figure: Figure;
}

const LOST_HEIGHT = 78;

export function wiringOf(links: readonly Link[]): Wiring {
  const into = new Map<string, Map<string, Link>>();
  const outOf = new Map<string, Map<string, Link[]>>();
  for (const link of links) {
    const inputs = into.get(link.to.node) ?? new Map<string, Link>();
    into.set(link.to.node, inputs.set(link.to.name, link));
    const outputs = outOf.get(link.from.node) ?? new Map<string, Link[]>();
    outputs.set(link.from.name, [...(outputs.get(link.from.name) ?? []), link]);
    outOf.set(link.from.node, outputs);
  }
  return { into, outOf };
}

/** Remembers the figure of each node as long as nothing it depends on changes. */
export function createFigures() {
  let links: readonly Link[] | null = null;
  let wiring = wiringOf([]);
  const known = new Map<string, Known>();
  const wires = (graph: Graph): Wiring => {
    if (graph.links !== links) {
      links = graph.links;
      wiring = wiringOf(graph.links);
    }
    return wiring;
  };
  const figure = (graph: Graph, id: string, specs: Specs, preview: boolean): Figure | null => {
    const node = graph.nodes.get(id);
    if (node === undefined) return null;
    const spec = specs.get(node.type);
    const before = known.get(id);
    const sameKind = before?.spec === spec && before?.preview === preview;
    if (sameKind && before.node === node && before.links === graph.links) return before.figure;
    const wired = new Set(wires(graph).into.get(id)?.keys());
    const used = [...(wires(graph).outOf.get(id)?.keys() ?? [])];
    const key = JSON.stringify([[...wired], used]);
    const sameParts = sameKind && before.wires === key;
    const fresh =
      sameParts && before.node === node ? before.figure : figureOf(node, spec, wired, used, preview);
    const drawn = sameParts && looksAlike(before.figure.box, fresh.box) ? before.figure : fresh;
    known.set(id, { node, links: graph.links, spec, wires: key, preview, figure: drawn });
    return drawn;
  };
  let compared: { now: Graph; before: Graph; stale: ReadonlySet<string> } | null = null;
  const stale = (now: Graph, before: Graph): ReadonlySet<string> => {
    if (compared?.now !== now || compared.before !== before)
      compared = { now, before, stale: staleNodes(now, before) };
    return compared.stale;
  };
  let named: { graph: Graph["nodes"]; specs: Specs; names: ReadonlyMap<string, string> } | null = null;
  const name = (graph: Graph, id: string, specs: Specs): string => {
    if (named?.graph !== graph.nodes || named.specs !== specs) {
      named = { graph: graph.nodes, specs, names: spokenNames(graph, specs) };
    }
    return named.names.get(id) ?? id;
  };
  return { wires, figure, stale, name };
}

export type Figures = ReturnType<typeof createFigures>;

/** Typing in a widget changes the node, but not what is drawn around the value. */
function looksAlike(one: NodeBox, other: NodeBox): boolean {
  const key = ({ rows }: NodeBox): string =>
    rows
      .map((row) => `${row.kind} ${row.height} ${row.input?.name ?? ""} ${String(row.input?.spare)}`)
      .join("\n");
  return one.width === other.width && one.height === other.height && key(one) === key(other);
}

function figureOf(
  node: Node,
  known: NodeSpec | undefined,
  wired: ReadonlySet<string>,
  used: readonly string[],
  picture: boolean,
): Figure {
  if (known !== undefined)
    return { spec: known, lost: false, box: boxOf(node, known, wired, { picture }), wired };
  const spec = lostSpec(node, wired, used);
  const box = boxOf(node, spec, wired);
  const leastHeight = box.leastHeight + LOST_HEIGHT;
  const height = node.collapsed ? box.height : Math.max(box.height, leastHeight);
  return { spec, lost: true, box: { ...box, leastHeight, height }, wired };
}

/** A stand-in for a type nobody knows: the wires that the document holds keep their ends. */
function lostSpec(node: Node, wired: ReadonlySet<string>, used: readonly string[]): NodeSpec {
  return specOf(node.type, {
    inputs: [...wired].map((name) => inputOf(name, "*", { optional: true })),
    outputs: used.map((name) => outputOf(name, "*")),
  });
}
