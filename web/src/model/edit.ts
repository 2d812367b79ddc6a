/** Every edit of a graph: a function from graph to graph. What it does not touch stays the same object. */

import type { Json } from "./json";
import { NEW_SEED_MODE } from "./seeds";
import { type Selection } from "./selection";
import { defaultsOf, inputSlots } from "./slots";
import type { NodeSpec } from "./spec";
import {
  type Bounds,
  type Graph,
  type Group,
  type Link,
  type NamedInput,
  NOTE_SIZE,
  type Node,
  type NodeState,
  type Note,
  type Point,
  type Port,
  type SeedMode,
  type Size,
  linkKey,
  linkOf,
  nodeOf,
  samePort,
} from "./workflow";

// Ids

/** A short readable id for a node of a type that no other node has: `sampler`, `sampler_2`. */
export function freeId(type: string, taken: { has(id: string): boolean }): string {
  const words = type
    .slice(type.lastIndexOf(".") + 1)
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  const named = (words.length > 1 && words[0]?.length === 1 ? words.slice(1) : words).join("_").slice(0, 40);
  const base = named === "" ? "node" : named;
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}_${number}`;
    if (!taken.has(id)) return id;
  }
}

export function freeNodeId(graph: Graph, type: string): string {
  return freeId(type, graph.nodes);
}

/** An id for a group or a note: `group_2`. */
export function freeName(base: string, taken: Iterable<{ readonly id: string }>): string {
  return freeId(base, new Set([...taken].map((each) => each.id)));
}

// Nodes

/** A new node of a type, its values those the type starts with; a file is the first of its folder. */
export function newNode(
  spec: NodeSpec,
  position: Point,
  folders: ReadonlyMap<string, readonly string[]> = new Map(),
): Node {
  const inputs = new Map(defaultsOf(spec));
  for (const { name, widget } of spec.inputs) {
    const [first] = widget?.kind === "file" ? (folders.get(widget.folder) ?? []) : [];
    if (first !== undefined && inputs.get(name) === "") inputs.set(name, first);
  }
  const node = nodeOf(spec.type, { pack: spec.pack, version: spec.version, position, inputs });
  const seeds = inputSlots(node, spec, new Set())
    .filter((slot) => slot.input.widget?.kind === "seed")
    .map((slot) => [slot.name, NEW_SEED_MODE] as const);
  return { ...node, seeds: new Map(seeds) };
}

/** Add a node under an id that must be free (`freeNodeId`). */
export function addNode(graph: Graph, id: string, node: Node): Graph {
  return { ...graph, nodes: new Map(graph.nodes).set(id, node) };
}

/** Change one node; the same graph if the change gives the same node. */
export function changeNode(graph: Graph, id: string, change: (node: Node) => Node): Graph {
  return changeNodes(graph, [id], change);
}

export function changeNodes(graph: Graph, ids: Iterable<string>, change: (node: Node) => Node): Graph {
  const nodes = new Map(graph.nodes);
  let changed = false;
  for (const id of ids) {
    const node = nodes.get(id);
    const next = node && change(node);
    if (node === undefined || next === undefined || next === node) continue;
    nodes.set(id, next);
    changed = true;
  }
  return changed ? { ...graph, nodes } : graph;
}

export function setValue(graph: Graph, id: string, input: string, value: Json): Graph {
  return changeNode(graph, id, (node) =>
    Object.is(node.inputs.get(input), value)
      ? node
      : { ...node, inputs: new Map(node.inputs).set(input, value) },
  );
}

export function setSeedMode(graph: Graph, id: string, input: string, mode: SeedMode): Graph {
  return changeNode(graph, id, (node) =>
    node.seeds.get(input) === mode ? node : { ...node, seeds: new Map(node.seeds).set(input, mode) },
  );
}

/** An empty title is the type's own. */
export function rename(graph: Graph, id: string, title: string): Graph {
  const next = title.trim() === "" ? null : title.trim();
  return changeNode(graph, id, (node) => (node.title === next ? node : { ...node, title: next }));
}

export function setState(graph: Graph, ids: Iterable<string>, state: NodeState): Graph {
  return changeNodes(graph, ids, (node) => (node.state === state ? node : { ...node, state }));
}

/** Into a state, or back to `on` if all are in it already (Ctrl+B, Ctrl+M). */
export function toggleState(graph: Graph, ids: ReadonlySet<string>, state: "skipped" | "off"): Graph {
  const already = [...ids].every((id) => graph.nodes.get(id)?.state === state);
  return setState(graph, ids, already ? "on" : state);
}

export function toggleCollapsed(graph: Graph, ids: ReadonlySet<string>): Graph {
  const collapsed = ![...ids].every((id) => graph.nodes.get(id)?.collapsed === true);
  return changeNodes(graph, ids, (node) => (node.collapsed === collapsed ? node : { ...node, collapsed }));
}

export function togglePinned(graph: Graph, ids: ReadonlySet<string>): Graph {
  const pinned = ![...ids].every((id) => graph.nodes.get(id)?.pinned === true);
  return changeNodes(graph, ids, (node) => (node.pinned === pinned ? node : { ...node, pinned }));
}

/** Colour nodes, groups and notes; null is the usual colour. */
export function setColor(graph: Graph, selection: Selection, color: string | null): Graph {
  const tint = <T extends { readonly id: string }>(
    things: readonly T[],
    ids: ReadonlySet<string>,
  ): readonly T[] =>
    ids.size === 0 ? things : things.map((each) => (ids.has(each.id) ? { ...each, color } : each));
  const nodes = changeNodes(graph, selection.nodes, (node) =>
    node.color === color ? node : { ...node, color },
  );
  return {
    ...nodes,
    groups: tint(graph.groups, selection.groups),
    notes: tint(graph.notes, selection.notes),
  };
}

export function resize(graph: Graph, id: string, size: Size | null): Graph {
  return changeNode(graph, id, (node) => ({ ...node, size }));
}

// Place

/** Move what is selected; pinned nodes stay. */
export function move(graph: Graph, selection: Selection, [dx, dy]: Point): Graph {
  if (dx === 0 && dy === 0) return graph;
  const shift = ([x, y]: Point): Point => [x + dx, y + dy];
  const moved = changeNodes(graph, selection.nodes, (node) =>
    node.pinned ? node : { ...node, position: shift(node.position) },
  );
  return {
    ...moved,
    notes: moved.notes.map((note) =>
      selection.notes.has(note.id) ? { ...note, position: shift(note.position) } : note,
    ),
    groups: moved.groups.map((group) => {
      if (!selection.groups.has(group.id)) return group;
      const [x, y, width, height] = group.bounds;
      return { ...group, bounds: [x + dx, y + dy, width, height] };
    }),
  };
}

/** Put nodes where a map says; pinned nodes stay. */
export function place(graph: Graph, positions: ReadonlyMap<string, Point>): Graph {
  const nodes = new Map(graph.nodes);
  for (const [id, position] of positions) {
    const node = nodes.get(id);
    if (node !== undefined && !node.pinned) nodes.set(id, { ...node, position });
  }
  return { ...graph, nodes };
}

// Links

/** Connect an output to an input. An input holds one link: the old one is replaced. */
export function connect(graph: Graph, from: Port, to: Port): Graph {
  if (from.node === to.node || !graph.nodes.has(from.node) || !graph.nodes.has(to.node)) return graph;
  const old = graph.links.find((link) => samePort(link.to, to));
  if (old !== undefined && samePort(old.from, from)) return graph;
  return { ...graph, links: [...graph.links.filter((link) => link !== old), linkOf(from, to)] };
}

/** Take the link off an input. */
export function disconnect(graph: Graph, to: Port): Graph {
  return withoutLinks(graph, (link) => samePort(link.to, to));
}

export function withoutLinks(graph: Graph, goes: (link: Link) => boolean): Graph {
  const links = graph.links.filter((link) => !goes(link));
  return links.length === graph.links.length ? graph : { ...graph, links };
}

// Removing

/** Remove what is selected, and the links and names that lead there. */
export function remove(graph: Graph, selection: Selection): Graph {
  const { nodes: gone, links, groups, notes } = selection;
  const keeps = (port: Port) => !gone.has(port.node);
  return {
    ...graph,
    nodes: new Map([...graph.nodes].filter(([id]) => !gone.has(id))),
    links: graph.links.filter((link) => keeps(link.from) && keeps(link.to) && !links.has(linkKey(link))),
    groups: graph.groups.filter((group) => !groups.has(group.id)),
    notes: graph.notes.filter((note) => !notes.has(note.id)),
    inputs: graph.inputs
      .map((named) => ({ ...named, targets: named.targets.filter(keeps) }))
      .filter((named) => named.targets.length > 0),
    outputs: graph.outputs.filter((named) => keeps(named.source)),
  };
}

// Groups, notes, names

export function addGroup(graph: Graph, id: string, title: string, bounds: Bounds): Graph {
  const group: Group = { id, title, bounds, color: null, extra: {} };
  return { ...graph, groups: [...graph.groups, group] };
}

export function changeGroup(graph: Graph, id: string, change: Partial<Omit<Group, "id">>): Graph {
  return {
    ...graph,
    groups: graph.groups.map((group) => (group.id === id ? { ...group, ...change } : group)),
  };
}

export function addNote(graph: Graph, id: string, text: string, position: Point): Graph {
  const note: Note = { id, text, position, size: NOTE_SIZE, color: null, extra: {} };
  return { ...graph, notes: [...graph.notes, note] };
}

export function changeNote(graph: Graph, id: string, change: Partial<Omit<Note, "id">>): Graph {
  return { ...graph, notes: graph.notes.map((note) => (note.id === id ? { ...note, ...change } : note)) };
}

export function setTitle(graph: Graph, title: string): Graph {
  return graph.title === title ? graph : { ...graph, title };
}

/** Make an input of a node an input of the whole graph, under a name that must be free. */
export function nameInput(graph: Graph, target: Port, name: string, type: string): Graph {
  const named: NamedInput = { name, targets: [target], type, title: null, extra: {} };
  return { ...unnameInput(graph, target), inputs: [...unnameInput(graph, target).inputs, named] };
}

/** The input of a node is no input of the whole graph any more. */
export function unnameInput(graph: Graph, target: Port): Graph {
  const inputs = graph.inputs
    .map((named) => ({ ...named, targets: named.targets.filter((each) => !samePort(each, target)) }))
    .filter((named) => named.targets.length > 0);
  return { ...graph, inputs };
}
