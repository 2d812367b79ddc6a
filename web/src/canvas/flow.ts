/** The document as the library wants it. Nodes and edges that did not change stay the same objects, in the same lists. */

import { type Edge, type Node as FlowNode, Position } from "@xyflow/react";
import type { Selection } from "../model/selection";
import type { Specs } from "../model/spec";
import { type Graph, type Group, type Link, type Node, type Note, linkKey } from "../model/workflow";
import type { Point } from "../ui/popover";
import type { Figure, Figures } from "./anatomy";
import type { CanvasState } from "./state";

/** One letter before an id tells nodes, groups and notes apart. */
type Kind = "node" | "group" | "note";
const LETTER: Readonly<Record<Kind, string>> = { node: "n", group: "g", note: "t" };

export function keyOf(kind: Kind, id: string): string {
  return `${LETTER[kind]}:${id}`;
}

export function idOf(key: string): string {
  return key.slice(2);
}

export function kindOf(key: string): Kind {
  return key.startsWith("g") ? "group" : key.startsWith("t") ? "note" : "node";
}

interface Kept {
  readonly source: unknown;
  readonly flow: FlowNode;
  /** Of nodes: what it was made from, and that nothing was on the move. */
  readonly node?: Node;
  readonly still?: boolean;
}

type Transient = Pick<CanvasState, "moved" | "sized" | "previewed">;

export function createFlow(figures: Figures) {
  let kept = new Map<string, Kept>();
  let list: FlowNode[] = [];
  let edges = new Map<Link, Edge>();
  let edgeList: Edge[] = [];
  let wired: { links: Graph["links"]; selected: ReadonlySet<string>; nodes: number } | null = null;

  const place = (key: string, source: unknown, flow: FlowNode, next: Map<string, Kept>): FlowNode => {
    const before = kept.get(key);
    const kin = before?.source === source ? before?.flow : undefined;
    const result = kin !== undefined && sameFlow(kin, flow) ? kin : flow;
    next.set(key, { source, flow: result });
    return result;
  };
  let last: { graph: Graph; specs: Specs; selection: Selection; transient: Transient } | null = null;
  /** While things are dragged, they alone are made anew. */
  const dragged = (moved: Transient["moved"]): FlowNode[] => {
    list = list.map((node) => {
      const position = moved.get(node.id);
      if (position === undefined) return node;
      const flow = { ...node, position };
      const before = kept.get(node.id);
      if (before !== undefined) kept.set(node.id, { source: before.source, flow });
      return flow;
    });
    return list;
  };
  const nodes = (graph: Graph, specs: Specs, selection: Selection, transient: Transient): FlowNode[] => {
    const before = last;
    last = { graph, specs, selection, transient };
    const sameDocument = before?.graph === graph && before.specs === specs && before.selection === selection;
    const onTheMove =
      before !== null && [...before.transient.moved.keys()].every((key) => transient.moved.has(key));
    const sameSizes =
      before?.transient.sized === transient.sized && before.transient.previewed === transient.previewed;
    if (sameDocument && sameSizes && onTheMove) return dragged(transient.moved);
    const next = new Map<string, Kept>();
    const found: FlowNode[] = [];
    for (const group of graph.groups) {
      found.push(
        place(
          keyOf("group", group.id),
          "group",
          groupFlow(group, selection.groups.has(group.id), transient),
          next,
        ),
      );
    }
    for (const note of graph.notes) {
      found.push(
        place(keyOf("note", note.id), "note", noteFlow(note, selection.notes.has(note.id), transient), next),
      );
    }
    for (const [id, node] of graph.nodes) {
      const figure = figures.figure(graph, id, specs, transient.previewed.get(id));
      if (figure === null) continue;
      const key = keyOf("node", id);
      const selected = selection.nodes.has(id);
      const still = !transient.moved.has(key) && !transient.sized.has(key);
      const before = kept.get(key);
      const same = before?.node === node && before.source === figure && before.flow.selected === selected;
      const stays = still && same && before.still === true;
      const flow = stays
        ? before.flow
        : place(key, figure, nodeFlow(id, node, figure, selected, transient), next);
      next.set(key, stays ? before : { source: figure, flow, node, still });
      found.push(flow);
    }
    kept = next;
    const same = found.length === list.length && found.every((node, at) => node === list[at]);
    if (!same) list = found;
    return list;
  };
  const wires = (graph: Graph, selected: ReadonlySet<string>): Edge[] => {
    const { links } = graph;
    if (wired?.links === links && wired.selected === selected && wired.nodes === graph.nodes.size)
      return edgeList;
    wired = { links, selected, nodes: graph.nodes.size };
    const next = new Map<Link, Edge>();
    const found = links
      .filter((link) => graph.nodes.has(link.from.node) && graph.nodes.has(link.to.node))
      .map((link) => {
        const before = edges.get(link);
        const isSelected = selected.has(linkKey(link));
        const edge = before?.selected === isSelected ? before : edgeOf(link, isSelected);
        next.set(link, edge);
        return edge;
      });
    edges = next;
    const same = found.length === edgeList.length && found.every((edge, at) => edge === edgeList[at]);
    if (!same) edgeList = found;
    return edgeList;
  };
  return { nodes, wires };
}

function edgeOf(link: Link, selected: boolean): Edge {
  return {
    id: linkKey(link),
    type: "link",
    source: keyOf("node", link.from.node),
    sourceHandle: link.from.name,
    target: keyOf("node", link.to.node),
    targetHandle: link.to.name,
    selected,
    data: { link },
  };
}

function nodeFlow(
  id: string,
  node: Node,
  figure: Figure,
  selected: boolean,
  { moved, sized }: Transient,
): FlowNode {
  const key = keyOf("node", id);
  const { box } = figure;
  const size = sized.get(key);
  const width = Math.round(size?.[0] ?? box.width);
  const height = Math.round(size?.[1] ?? box.height);
  return {
    id: key,
    type: "node",
    position: moved.get(key) ?? pointOf(node.position),
    width,
    height,
    measured: { width, height },
    handles: box.handles.map(({ side, name, y }) => ({
      id: name,
      type: side === "input" ? "target" : "source",
      position: side === "input" ? Position.Left : Position.Right,
      x: side === "input" ? 0 : width,
      y,
      width: 0,
      height: 0,
    })),
    selected,
    draggable: !node.pinned,
    dragHandle: ".node-head",
    data: {},
  };
}

function groupFlow(group: Group, selected: boolean, { moved, sized }: Transient): FlowNode {
  const key = keyOf("group", group.id);
  const [x, y, width, height] = group.bounds;
  return boxFlow(key, "group", moved.get(key) ?? { x, y }, sized.get(key) ?? [width, height], selected, -1);
}

function noteFlow(note: Note, selected: boolean, { moved, sized }: Transient): FlowNode {
  const key = keyOf("note", note.id);
  return boxFlow(
    key,
    "note",
    moved.get(key) ?? pointOf(note.position),
    sized.get(key) ?? note.size,
    selected,
    0,
  );
}

function boxFlow(
  id: string,
  type: string,
  position: Point,
  size: readonly [number, number],
  selected: boolean,
  zIndex: number,
): FlowNode {
  const [width, height] = [Math.round(size[0]), Math.round(size[1])];
  return {
    id,
    type,
    position,
    width,
    height,
    measured: { width, height },
    selected,
    zIndex,
    dragHandle: `.${type}-head`,
    handles: [],
    data: {},
  };
}

function pointOf([x, y]: readonly [number, number]): Point {
  return { x, y };
}

function sameFlow(one: FlowNode, other: FlowNode): boolean {
  return (
    one.position.x === other.position.x &&
    one.position.y === other.position.y &&
    one.width === other.width &&
    one.height === other.height &&
    one.selected === other.selected &&
    one.draggable === other.draggable
  );
}
