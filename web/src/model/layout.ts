/** Automatic layout: columns by distance from the sources, few crossings, everything flowing to the right. */

import type { SizeOf } from "./geometry";
import type { Graph, Point } from "./workflow";

const GAP_ACROSS = 80;
const GAP_DOWN = 40;
const SWEEPS = 8;

/** Where to put nodes (all, or those named) so that links lead to the right; the upper left corner stays. */
export function layout(graph: Graph, ids: ReadonlySet<string>, sizeOf: SizeOf): ReadonlyMap<string, Point> {
  const nodes = [...graph.nodes].filter(([id]) => ids.has(id));
  if (nodes.length === 0) return new Map();
  const wires = graph.links
    .map((link) => ({ from: link.from.node, to: link.to.node }))
    .filter(({ from, to }) => ids.has(from) && ids.has(to));
  const columns = untangled(
    columnsOf(
      nodes.map(([id]) => id),
      wires,
    ),
    wires,
  );
  const left = Math.min(...nodes.map(([, node]) => node.position[0]));
  const top = Math.min(...nodes.map(([, node]) => node.position[1]));
  return placed(columns, left, top, sizeOf);
}

interface Wire {
  readonly from: string;
  readonly to: string;
}

type Columns = readonly (readonly string[])[];

/** Each node one column right of the last of its sources; then sources pulled right, next to what they feed. */
function columnsOf(ids: readonly string[], wires: readonly Wire[]): Columns {
  const order = ordered(ids, wires);
  const feeds = Map.groupBy(wires, (wire) => wire.from);
  const fed = Map.groupBy(wires, (wire) => wire.to);
  const column = new Map(ids.map((id) => [id, 0]));
  const at = (id: string) => column.get(id) ?? 0;
  for (const id of order) {
    for (const { to } of feeds.get(id) ?? []) column.set(to, Math.max(at(to), at(id) + 1));
  }
  for (const id of order.toReversed()) {
    const readers = (feeds.get(id) ?? []).map(({ to }) => at(to));
    if (readers.length > 0 && !fed.has(id)) column.set(id, Math.max(at(id), Math.min(...readers) - 1));
  }
  const last = Math.max(...column.values());
  return Array.from({ length: last + 1 }, (_, number) => ids.filter((id) => at(id) === number));
}

/** Sources before readers; nodes of a circle come last, in their own order. */
function ordered(ids: readonly string[], wires: readonly Wire[]): readonly string[] {
  const feeds = Map.groupBy(wires, (wire) => wire.from);
  const waits = new Map(ids.map((id) => [id, 0]));
  for (const { to } of wires) waits.set(to, (waits.get(to) ?? 0) + 1);
  const ready = ids.filter((id) => waits.get(id) === 0);
  for (const id of ready) {
    for (const { to } of feeds.get(id) ?? []) {
      const left = (waits.get(to) ?? 0) - 1;
      waits.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return ready;
}

/** Order each column by where its neighbours are, back and forth, so that fewer links cross. */
function untangled(columns: Columns, wires: readonly Wire[]): Columns {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of wires) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  let sorted = columns;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const rank = new Map(
      sorted.flatMap((column) => column.map((id, at) => [id, (at + 1) / (column.length + 1)] as const)),
    );
    const middle = (id: string): number => {
      const near = (neighbours.get(id) ?? []).map((other) => rank.get(other) ?? 0.5);
      return near.length === 0
        ? (rank.get(id) ?? 0.5)
        : near.reduce((sum, each) => sum + each, 0) / near.length;
    };
    const parity = sweep % 2;
    sorted = sorted.map((column, number) =>
      number % 2 === parity ? column.toSorted((one, other) => middle(one) - middle(other)) : column,
    );
  }
  return sorted;
}

function placed(columns: Columns, left: number, top: number, sizeOf: SizeOf): ReadonlyMap<string, Point> {
  const heightOf = (column: readonly string[]) =>
    column.reduce((sum, id) => sum + sizeOf(id)[1] + GAP_DOWN, -GAP_DOWN);
  const tallest = Math.max(...columns.map(heightOf));
  const places = new Map<string, Point>();
  let x = left;
  for (const column of columns) {
    let y = top + (tallest - heightOf(column)) / 2;
    for (const id of column) {
      places.set(id, [Math.round(x), Math.round(y)]);
      y += sizeOf(id)[1] + GAP_DOWN;
    }
    x += Math.max(0, ...column.map((id) => sizeOf(id)[0])) + GAP_ACROSS;
  }
  return places;
}
