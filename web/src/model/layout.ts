/** Automatic layout, as a task for `layered.ts`: what may move, what is wired, what is in a group and stays in it. */

import { type SizeOf, around, boundsOf, insideOf } from "./geometry";
import type { Bounds, Graph, Point } from "./workflow";

/** What there is to lay out, as plain data: it goes to another thread. */
export interface LayoutTask {
  /** The upper left corner, which stays. */
  readonly corner: Point;
  readonly nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[];
  /** From node to node. */
  readonly links: readonly (readonly [from: string, to: string])[];
  readonly groups: readonly { readonly id: string; readonly nodes: readonly string[] }[];
}

export interface LayoutPlan {
  readonly nodes: ReadonlyMap<string, Point>;
  /** The frames around what was in them. */
  readonly groups: ReadonlyMap<string, Bounds>;
}

/** The nodes (all, or those named) that may move, and their links; null if fewer than two may. */
export function layoutTask(graph: Graph, ids: ReadonlySet<string>, sizeOf: SizeOf): LayoutTask | null {
  const nodes = [...graph.nodes].filter(([id, node]) => ids.has(id) && !node.pinned);
  const box = around(nodes.map(([id, node]) => boundsOf(node.position, sizeOf(id))));
  if (nodes.length < 2 || box === null) return null;
  const free = new Set(nodes.map(([id]) => id));
  const taken = new Set<string>();
  const groups = graph.groups
    .toSorted((one, other) => area(one.bounds) - area(other.bounds))
    .map(({ id, bounds }) => {
      const inside = insideOf(graph, bounds, sizeOf).nodes;
      const mine = inside.every((node) => free.has(node)) ? inside.filter((node) => !taken.has(node)) : [];
      for (const node of mine) taken.add(node);
      return { id, nodes: mine };
    });
  return {
    corner: [box[0], box[1]],
    nodes: nodes.map(([id]) => ({ id, width: sizeOf(id)[0], height: sizeOf(id)[1] })),
    links: graph.links
      .map(({ from, to }) => [from.node, to.node] as const)
      .filter(([from, to]) => free.has(from) && free.has(to)),
    groups: groups.filter((group) => group.nodes.length > 0),
  };
}

function area([, , width, height]: Bounds): number {
  return width * height;
}
