/** From the document to what is drawn: which parts each node has, how large it is, where its sockets are. */

import { type NodeBox, boxOf } from "../model/geometry";
import { type NodeSpec, type Specs, inputOf, outputOf, specOf } from "../model/spec";
import { outputNamed, slotNamed } from "../model/slots";
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
  readonly specs: Specs;
  readonly spec: NodeSpec | undefined;
  readonly wires: string;
  readonly preview: number | undefined;
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
  const figure = (graph: Graph, id: string, specs: Specs, preview?: number): Figure | null => {
    const node = graph.nodes.get(id);
    if (node === undefined) return null;
    const spec = specs.get(node.type);
    const before = known.get(id);
    const sameKind = before !== undefined && before.spec === spec && before.preview === preview;
    const sameWires = before?.links === graph.links && before.specs === specs;
    if (sameKind && before.node === node && sameWires) return before.figure;
    const ends = endsOf(id, graph, wires(graph), specs, spec === undefined);
    const wired = new Set(ends.inputs.keys());
    const key = JSON.stringify([[...ends.inputs], [...ends.outputs]]);
    const sameParts = sameKind && before.wires === key;
    const fresh =
      sameParts && before.node === node ? before.figure : figureOf(node, spec, ends, wired, preview);
    const drawn = sameParts && looksAlike(before.figure.box, fresh.box) ? before.figure : fresh;
    known.set(id, { node, links: graph.links, specs, spec, wires: key, preview, figure: drawn });
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
    if (named?.specs === specs && sameTitles(named.graph, graph.nodes)) named.graph = graph.nodes;
    else named = { graph: graph.nodes, specs, names: spokenNames(graph, specs) };
    return named.names.get(id) ?? id;
  };
  const outputType = (graph: Graph, id: string, output: string, specs: Specs): string => {
    const spec = specs.get(graph.nodes.get(id)?.type ?? "") ?? known.get(id)?.figure.spec;
    return spec?.outputs.find((each) => each.name === output)?.type ?? "*";
  };
  return { wires, figure, outputType, stale, name };
}

export type Figures = ReturnType<typeof createFigures>;

/** Whether all nodes are called as before: typing in a widget changes a node, but not its name. */
function sameTitles(before: Graph["nodes"], now: Graph["nodes"]): boolean {
  if (before === now) return true;
  if (before.size !== now.size) return false;
  for (const [id, node] of now) {
    const old = before.get(id);
    if (old !== node && (old?.title !== node.title || old.type !== node.type)) return false;
  }
  return true;
}

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
  ends: Ends,
  wired: ReadonlySet<string>,
  preview: number | undefined,
): Figure {
  if (known !== undefined)
    return {
      spec: known,
      lost: false,
      box: boxOf(node, known, wired, preview === undefined ? {} : { preview }),
      wired,
    };
  const spec = lostSpec(node, ends);
  const box = boxOf(node, spec, wired);
  const leastHeight = box.leastHeight + LOST_HEIGHT;
  const height = node.collapsed ? box.height : Math.max(box.height, leastHeight);
  return { spec, lost: true, box: { ...box, leastHeight, height }, wired };
}

/** The wired inputs and outputs of a node, with their types as the other end has them. */
interface Ends {
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

/** Types are looked up for a node that nobody knows alone: the others have theirs. */
function endsOf(id: string, graph: Graph, { into, outOf }: Wiring, specs: Specs, lost: boolean): Ends {
  const source = ({ from }: Link) => outputNamed(graph, from.node, from.name, specs)?.type ?? "*";
  const target = ({ to }: Link) => slotNamed(graph, to.node, to.name, specs)?.input.type ?? "*";
  return {
    inputs: new Map([...(into.get(id) ?? [])].map(([name, link]) => [name, lost ? source(link) : ""])),
    outputs: new Map(
      [...(outOf.get(id) ?? [])].map(([name, links]) => {
        const types = lost ? links.map(target) : [];
        return [name, types.find((type) => type !== "*") ?? "*"];
      }),
    ),
  };
}

/** A stand-in for a type nobody knows: the wires that the document holds keep their ends and their colours. */
function lostSpec(node: Node, { inputs, outputs }: Ends): NodeSpec {
  return specOf(node.type, {
    inputs: [...inputs].map(([name, type]) => inputOf(name, type, { optional: true })),
    outputs: [...outputs].map(([name, type]) => outputOf(name, type)),
  });
}
