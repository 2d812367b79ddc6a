/** Lining nodes up by hand: align and distribute. Both answer where the nodes go. */

import type { SizeOf } from "./geometry";
import type { Graph, Point } from "./workflow";

export type Edge = "left" | "center" | "right" | "top" | "middle" | "bottom";

export function align(
  graph: Graph,
  ids: Iterable<string>,
  edge: Edge,
  sizeOf: SizeOf,
): ReadonlyMap<string, Point> {
  const boxes = boxesOf(graph, ids, sizeOf);
  const left = Math.min(...boxes.map((box) => box.x));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const top = Math.min(...boxes.map((box) => box.y));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const to = (box: Box): Point => {
    switch (edge) {
      case "left":
        return [left, box.y];
      case "center":
        return [(left + right - box.width) / 2, box.y];
      case "right":
        return [right - box.width, box.y];
      case "top":
        return [box.x, top];
      case "middle":
        return [box.x, (top + bottom - box.height) / 2];
      case "bottom":
        return [box.x, bottom - box.height];
      default:
        return edge satisfies never;
    }
  };
  return new Map(boxes.map((box) => [box.id, to(box)]));
}

/** Equal gaps between nodes; the outermost two stay where they are. */
export function distribute(
  graph: Graph,
  ids: Iterable<string>,
  direction: "across" | "down",
  sizeOf: SizeOf,
): ReadonlyMap<string, Point> {
  const across = direction === "across";
  const start = (box: Box) => (across ? box.x : box.y);
  const length = (box: Box) => (across ? box.width : box.height);
  const boxes = [...boxesOf(graph, ids, sizeOf)].sort((one, other) => start(one) - start(other));
  const [first] = boxes;
  const last = boxes.at(-1);
  if (first === undefined || last === undefined || boxes.length < 3) return new Map();
  const filled = boxes.reduce((sum, box) => sum + length(box), 0);
  const gap = (start(last) + length(last) - start(first) - filled) / (boxes.length - 1);
  const places = new Map<string, Point>();
  let next = start(first);
  for (const box of boxes) {
    places.set(box.id, across ? [next, box.y] : [box.x, next]);
    next += length(box) + gap;
  }
  return places;
}

interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function boxesOf(graph: Graph, ids: Iterable<string>, sizeOf: SizeOf): readonly Box[] {
  return [...ids].flatMap((id) => {
    const node = graph.nodes.get(id);
    if (node === undefined) return [];
    const [width, height] = sizeOf(id);
    return [{ id, x: node.position[0], y: node.position[1], width, height }];
  });
}
