/** What is selected, and what follows from it. */

import { type Graph, linkKey } from "./workflow";

export interface Selection {
  readonly nodes: ReadonlySet<string>;
  /** Keys of links (`linkKey`). */
  readonly links: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly notes: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
export const NOTHING: Selection = { nodes: NONE, links: NONE, groups: NONE, notes: NONE };

export function selectionOf(fields: Partial<Selection>): Selection {
  return { ...NOTHING, ...fields };
}

export function isEmpty(selection: Selection): boolean {
  return selection.nodes.size + selection.links.size + selection.groups.size + selection.notes.size === 0;
}

/** Everything in the graph. */
export function all(graph: Graph): Selection {
  return {
    nodes: new Set(graph.nodes.keys()),
    links: new Set(graph.links.map(linkKey)),
    groups: new Set(graph.groups.map((group) => group.id)),
    notes: new Set(graph.notes.map((note) => note.id)),
  };
}

/** What of a selection still exists; the same object if all of it does. */
export function existing(selection: Selection, graph: Graph): Selection {
  if (isEmpty(selection)) return selection;
  const whole = selection.links.size > 0 ? all(graph) : { ...all({ ...graph, links: [] }), links: NONE };
  const kept: Selection = {
    nodes: selection.nodes.intersection(whole.nodes),
    links: selection.links.intersection(whole.links),
    groups: selection.groups.intersection(whole.groups),
    notes: selection.notes.intersection(whole.notes),
  };
  return sameSelection(kept, selection) ? selection : kept;
}

export function sameSelection(one: Selection, other: Selection): boolean {
  return (
    one.nodes.symmetricDifference(other.nodes).size === 0 &&
    one.links.symmetricDifference(other.links).size === 0 &&
    one.groups.symmetricDifference(other.groups).size === 0 &&
    one.notes.symmetricDifference(other.notes).size === 0
  );
}

/** In where it was out, and out where it was in (Shift+click). */
export function toggled(selection: Selection, other: Selection): Selection {
  return {
    nodes: selection.nodes.symmetricDifference(other.nodes),
    links: selection.links.symmetricDifference(other.links),
    groups: selection.groups.symmetricDifference(other.groups),
    notes: selection.notes.symmetricDifference(other.notes),
  };
}

export function joined(selection: Selection, other: Selection): Selection {
  return {
    nodes: selection.nodes.union(other.nodes),
    links: selection.links.union(other.links),
    groups: selection.groups.union(other.groups),
    notes: selection.notes.union(other.notes),
  };
}

/** The nodes that feed these, at any distance, without these themselves. */
export function upstream(graph: Graph, nodes: ReadonlySet<string>): ReadonlySet<string> {
  return reach(
    nodes,
    graph.links.map((link) => [link.to.node, link.from.node] as const),
  );
}

/** The nodes these feed, at any distance, without these themselves. */
export function downstream(graph: Graph, nodes: ReadonlySet<string>): ReadonlySet<string> {
  return reach(
    nodes,
    graph.links.map((link) => [link.from.node, link.to.node] as const),
  );
}

function reach(
  start: ReadonlySet<string>,
  steps: readonly (readonly [string, string])[],
): ReadonlySet<string> {
  const next = Map.groupBy(steps, ([from]) => from);
  const found = new Set(start);
  const waiting = [...start];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const [, to] of next.get(node) ?? []) {
      if (!found.has(to)) waiting.push(to);
      found.add(to);
    }
  }
  return found.difference(start);
}
