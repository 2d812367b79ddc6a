/** Automatic layout: links lead to the right, few of them cross, nothing overlaps. Only its worker needs this. */

import { Graph, layout } from "@dagrejs/dagre";

import { around, padded } from "./geometry";
import type { LayoutPlan, LayoutTask } from "./layout";

const GAP_ACROSS = 80;
const GAP_DOWN = 40;
const PAD = 20;
const PAD_ABOVE = 50;

/** What the library knows of a node; it adds the middle. */
interface Box {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}

/** Where everything goes. Layers as in Gansner et al. 1993, "A technique for drawing directed graphs". */
export function plan({ corner, nodes, links, groups }: LayoutTask): LayoutPlan {
  const layers = new Graph<object, Partial<Box>>({
    compound: groups.length > 0,
  });
  layers.setGraph({ rankdir: "LR", ranksep: GAP_ACROSS, nodesep: GAP_DOWN });
  layers.setDefaultEdgeLabel(() => ({}));
  // Names of our own: an id may be anything, `__proto__` too.
  const names = new Map(nodes.map(({ id }, at) => [id, `node ${at}`]));
  const nameOf = (id: string) => names.get(id) ?? id;
  for (const { id, width, height } of nodes) layers.setNode(nameOf(id), { width, height });
  for (const [at, group] of groups.entries()) {
    layers.setNode(`group ${at}`, {});
    for (const id of group.nodes) layers.setParent(nameOf(id), `group ${at}`);
  }
  for (const [from, to] of links) layers.setEdge(nameOf(from), nameOf(to));
  layout(layers);
  const boxes = new Map(
    nodes.map(({ id, width, height }) => {
      const { x = 0, y = 0 } = layers.node(nameOf(id));
      return [id, [Math.round(x - width / 2), Math.round(y - height / 2), width, height] as const];
    }),
  );
  const whole = around([...boxes.values()]) ?? [0, 0, 0, 0];
  const [dx, dy] = [corner[0] - whole[0], corner[1] - whole[1]];
  const moved = new Map([...boxes].map(([id, [x, y, ...size]]) => [id, [x + dx, y + dy, ...size] as const]));
  return {
    nodes: new Map([...moved].map(([id, [x, y]]) => [id, [x, y]])),
    groups: new Map(
      groups.flatMap(({ id, nodes: inside }) => {
        const box = around(inside.map((node) => moved.get(node)).filter((each) => each !== undefined));
        return box === null ? [] : [[id, padded(box, PAD, PAD_ABOVE)] as const];
      }),
    ),
  };
}
