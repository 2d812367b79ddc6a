/** Copy and paste as readable JSON: the copied part is a small document of its own. */

import { addNode, connect, freeId, freeName } from "./edit";
import { parse, serialise } from "./format";
import { around, boundsOf } from "./geometry";
import { type Path, graphAt, withGraphAt } from "./path";
import { type Selection, selectionOf } from "./selection";
import {
  type Bounds,
  type Graph,
  type Point,
  type Size,
  type Workflow,
  graphOf,
  workflowOf,
} from "./workflow";

const UNKNOWN_SIZE: Size = [280, 120];

/** The selected part of a graph as text. Links from outside are named too, for "paste keeping input links". */
export function copy(workflow: Workflow, path: Path, selection: Selection): string {
  return serialise(clipOf(workflow, path, selection));
}

/** The selected part of a graph as a document. */
export function clipOf(workflow: Workflow, path: Path, selection: Selection): Workflow {
  const graph = graphAt(workflow, path);
  const part = graphOf({
    nodes: new Map([...graph.nodes].filter(([id]) => selection.nodes.has(id))),
    links: graph.links.filter((link) => selection.nodes.has(link.to.node)),
    groups: graph.groups.filter((group) => selection.groups.has(group.id)),
    notes: graph.notes.filter((note) => selection.notes.has(note.id)),
  });
  return workflowOf(part, { subgraphs: usedSubgraphs(workflow, part) });
}

/** The subgraphs that a part needs, and those these need. */
function usedSubgraphs(workflow: Workflow, part: Graph): Workflow["subgraphs"] {
  const used = new Map<string, Graph>();
  const waiting: Graph[] = [part];
  for (let graph = waiting.pop(); graph !== undefined; graph = waiting.pop()) {
    for (const { type } of graph.nodes.values()) {
      const inner = workflow.subgraphs.get(type);
      if (inner === undefined || used.has(type)) continue;
      used.set(type, inner);
      waiting.push(inner);
    }
  }
  return used;
}

/** The document a text holds, or null if it is something else. */
export function readClip(text: string): Workflow | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    return parse(text);
  } catch {
    return null;
  }
}

export interface Pasted {
  readonly workflow: Workflow;
  /** What was pasted. */
  readonly selection: Selection;
}

export interface PasteOptions {
  /** Where its upper left corner goes; a little below the original if absent. */
  readonly at?: Point | null;
  /** Also connect to the nodes outside that fed the original. */
  readonly keepLinks?: boolean;
}

const OFFSET: Point = [30, 30];

/** Put a copied part into a document. Everything gets a new id. */
export function paste(workflow: Workflow, path: Path, clip: Workflow, options: PasteOptions = {}): Pasted {
  const graph = graphAt(workflow, path);
  const shift = shiftTo(clip.graph, options.at ?? null);
  const ids = newIds(graph, clip.graph);
  const moved = ([x, y]: Point): Point => [x + shift[0], y + shift[1]];
  let result = graph;
  for (const [id, node] of clip.graph.nodes) {
    result = addNode(result, ids.get(id) ?? id, { ...node, pinned: false, position: moved(node.position) });
  }
  for (const { from, to } of clip.graph.links) {
    const source =
      ids.get(from.node) ?? (options.keepLinks === true && graph.nodes.has(from.node) ? from.node : null);
    const target = ids.get(to.node);
    if (source === null || target === undefined) continue;
    result = connect(result, { node: source, name: from.name }, { node: target, name: to.name });
  }
  const extras = pasteExtras(result, clip.graph, moved);
  const selection = selectionOf({ ...extras.selection, nodes: new Set(ids.values()) });
  const subgraphs = new Map([...clip.subgraphs, ...workflow.subgraphs]);
  const host = subgraphs.size === workflow.subgraphs.size ? workflow : { ...workflow, subgraphs };
  return { workflow: withGraphAt(host, path, extras.graph), selection };
}

function newIds(graph: Graph, clip: Graph): ReadonlyMap<string, string> {
  const taken = new Set(graph.nodes.keys());
  const ids = new Map<string, string>();
  for (const [id, node] of clip.nodes) {
    const free = taken.has(id) ? freeId(node.type, taken) : id;
    taken.add(free);
    ids.set(id, free);
  }
  return ids;
}

function pasteExtras(graph: Graph, clip: Graph, moved: (point: Point) => Point) {
  let { groups, notes } = graph;
  for (const group of clip.groups) {
    const [x, y] = moved([group.bounds[0], group.bounds[1]]);
    const bounds: Bounds = [x, y, group.bounds[2], group.bounds[3]];
    groups = [...groups, { ...group, id: freeName("group", groups), bounds }];
  }
  for (const note of clip.notes) {
    notes = [...notes, { ...note, id: freeName("note", notes), position: moved(note.position) }];
  }
  const selection = {
    groups: new Set(groups.slice(graph.groups.length).map((group) => group.id)),
    notes: new Set(notes.slice(graph.notes.length).map((note) => note.id)),
  };
  return { graph: { ...graph, groups, notes }, selection };
}

function shiftTo(clip: Graph, at: Point | null): Point {
  if (at === null) return OFFSET;
  const box = around([
    ...[...clip.nodes.values()].map((node) => boundsOf(node.position, node.size ?? UNKNOWN_SIZE)),
    ...clip.notes.map((note) => boundsOf(note.position, note.size)),
    ...clip.groups.map((group) => group.bounds),
  ]);
  return box === null ? [0, 0] : [at[0] - box[0], at[1] - box[1]];
}

/** A copy beside the original, fed by the same nodes. */
export function duplicate(workflow: Workflow, path: Path, selection: Selection): Pasted {
  return paste(workflow, path, clipOf(workflow, path, selection), { keepLinks: true });
}
