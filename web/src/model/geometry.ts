/** How large a node is and where its sockets are, from its description alone, so that nothing has to be measured. */

import { type InputSlot, inputSlots } from "./slots";
import type { NodeSpec, Output } from "./spec";
import type { Bounds, Graph, Node, Point, Size } from "./workflow";

export const HEADER = 30;
export const ROW = 26;
export const TEXT = 84;
export const PICTURE = 200;
/** What lies beside and above a picture, inside of its row. */
const PICTURE_ACROSS = 20;
const PICTURE_DOWN = 7;
const LEAST_PICTURE = 80;
const MOST_PICTURE = 480;
export const EDGE = 8;
export const WIDTH = 280;
export const LEAST_WIDTH = 180;
export const MOST_WIDTH = 1600;
export const GRID = 10;

export type RowKind = "sockets" | "widget" | "tall" | "picture";

/** One horizontal strip of a node; `top` counts from the node's upper edge. */
export interface Row {
  readonly kind: RowKind;
  readonly top: number;
  readonly height: number;
  readonly input: InputSlot | null;
  readonly output: Output | null;
}

/** Where a socket's middle is, from the node's upper left corner. */
export interface Handle {
  readonly side: "input" | "output";
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

export interface NodeBox {
  readonly width: number;
  readonly height: number;
  /** The smallest height that shows everything. */
  readonly leastHeight: number;
  readonly rows: readonly Row[];
  readonly handles: readonly Handle[];
}

export interface BoxOptions {
  /** Keep room for a picture of the node's work, of this height per width. */
  readonly preview?: number;
  /** Show inputs marked as advanced even if they are untouched. */
  readonly advanced?: boolean;
}

/** The kinds of files that are shown on the node: given pictures, given videos, results. */
const PICTURED = ["input", "videos", "output"] as const;
export type Pictured = (typeof PICTURED)[number];

/** Whether a node shows a picture by its nature, so that room is kept for it from the start. */
export function showsPicture(spec: NodeSpec): boolean {
  const givesPicture = spec.terminal && spec.inputs.some((input) => /^(IMAGE|MASK|VIDEO)$/.test(input.type));
  return givesPicture || PICTURED.some((folder) => picksFrom(spec, folder) !== null);
}

/** The input by which a node picks a picture or a video of a kind of files. */
export function picksFrom(spec: NodeSpec, folder: Pictured): string | null {
  const found = spec.inputs.find(({ widget }) => widget?.kind === "file" && widget.folder === folder);
  return found?.name ?? null;
}

/** A node's size, rows and sockets. `linked`: the names of its wired inputs. */
export function boxOf(
  node: Node,
  spec: NodeSpec | undefined,
  linked: ReadonlySet<string>,
  options: BoxOptions = {},
): NodeBox {
  const width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, node.size?.[0] ?? WIDTH));
  const slots =
    spec === undefined ? unknownSlots(linked) : visibleSlots(node, spec, linked, options.advanced ?? false);
  const outputs = spec?.outputs ?? [];
  if (node.collapsed) return collapsedBox(width, slots, outputs);
  const picture = pictureHeight(spec, width, options.preview);
  const plain = stack(slots, outputs, picture, 0);
  const leastHeight = heightOf(plain);
  const height = Math.max(leastHeight, node.size?.[1] ?? 0);
  const rows = height > leastHeight ? stack(slots, outputs, picture, height - leastHeight) : plain;
  return { width, height, leastHeight, rows, handles: rows.flatMap((row) => handlesOf(row, width)) };
}

/** Room for what a node shows by its nature, or for a preview in its own shape; 0 where there is nothing to show. */
function pictureHeight(spec: NodeSpec | undefined, width: number, preview: number | undefined): number {
  if (spec !== undefined && showsPicture(spec)) return PICTURE;
  if (spec?.terminal === true) return TEXT; // what it says, or what it called a file
  if (preview === undefined) return 0;
  const height = Math.round((width - PICTURE_ACROSS) * preview) + PICTURE_DOWN;
  return Math.min(MOST_PICTURE, Math.max(LEAST_PICTURE, height));
}

function collapsedBox(width: number, slots: readonly InputSlot[], outputs: readonly Output[]): NodeBox {
  const middle = HEADER / 2;
  const handles: Handle[] = [
    ...slots.map(({ name }) => ({ side: "input" as const, name, x: 0, y: middle })),
    ...outputs.map(({ name }) => ({ side: "output" as const, name, x: width, y: middle })),
  ];
  return { width, height: HEADER, leastHeight: HEADER, rows: [], handles };
}

/** The inputs a node shows: advanced ones only if wired, changed, or asked for. */
export function visibleSlots(
  node: Node,
  spec: NodeSpec,
  linked: ReadonlySet<string>,
  advanced: boolean,
): readonly InputSlot[] {
  const isShown = ({ name, input }: InputSlot): boolean =>
    !input.advanced ||
    advanced ||
    linked.has(name) ||
    (node.inputs.has(name) && node.inputs.get(name) !== input.default);
  return inputSlots(node, spec, linked).filter(isShown);
}

/** Of a type nobody knows only the wired inputs are known. */
function unknownSlots(linked: ReadonlySet<string>): readonly InputSlot[] {
  return [...linked].map((name) => ({
    name,
    label: name,
    input: unknownInput(name),
    row: null,
    spare: false,
  }));
}

function unknownInput(name: string): InputSlot["input"] {
  const absent = { widget: null, default: null, template: null, grows: null, title: null } as const;
  const flags = { optional: true, lazy: false, takes_list: false, advanced: false } as const;
  return { name, type: "*", options: [], tooltip: "", ...absent, ...flags };
}

/** The rows of a node, the room that is left over given to what is tall, or else to the picture. */
function stack(
  slots: readonly InputSlot[],
  outputs: readonly Output[],
  picture: number,
  spare: number,
): readonly Row[] {
  const isEdited = (slot: InputSlot) => slot.input.widget !== null;
  const sockets = slots.filter((slot) => !isEdited(slot));
  const edited = slots.filter(isEdited);
  const tall = edited.filter(({ input }) => tallOf(input) > 0).length;
  const each = picture > 0 || tall === 0 ? 0 : spare / tall;
  const rows: Row[] = [];
  let top = HEADER;
  const add = (
    kind: RowKind,
    height: number,
    input: InputSlot | null = null,
    output: Output | null = null,
  ): void => {
    rows.push({ kind, top, height, input, output });
    top += height;
  };
  for (let at = 0; at < Math.max(sockets.length, outputs.length); at += 1) {
    add("sockets", ROW, sockets[at] ?? null, outputs[at] ?? null);
  }
  for (const slot of edited) {
    const height = tallOf(slot.input);
    if (height > 0) add("tall", height + each, slot);
    else add("widget", ROW, slot);
  }
  if (picture > 0) add("picture", picture + spare);
  return rows;
}

/** How high a widget is that takes more than one line, and grows with its node; 0 for all others. */
export function tallOf({ widget }: InputSlot["input"]): number {
  if (widget?.kind === "webcam") return PICTURE;
  return widget?.kind === "text" && widget.multiline ? TEXT : 0;
}

function heightOf(rows: readonly Row[]): number {
  const last = rows.at(-1);
  return (last === undefined ? HEADER : last.top + last.height) + EDGE;
}

function handlesOf(row: Row, width: number): readonly Handle[] {
  const y = row.top + ROW / 2;
  const handles: Handle[] = [];
  if (row.input !== null) handles.push({ side: "input", name: row.input.name, x: 0, y });
  if (row.output !== null) handles.push({ side: "output", name: row.output.name, x: width, y });
  return handles;
}

// Rectangles

export type SizeOf = (id: string) => Size;

/** The rectangle around rectangles; null around none. */
export function around(all: readonly Bounds[]): Bounds | null {
  if (all.length === 0) return null;
  const left = Math.min(...all.map(([x]) => x));
  const top = Math.min(...all.map(([, y]) => y));
  const right = Math.max(...all.map(([x, , width]) => x + width));
  const bottom = Math.max(...all.map(([, y, , height]) => y + height));
  return [left, top, right - left, bottom - top];
}

export function padded([x, y, width, height]: Bounds, pad: number, above = pad): Bounds {
  return [x - pad, y - above, width + 2 * pad, height + pad + above];
}

export function boundsOf(position: Point, size: Size): Bounds {
  return [position[0], position[1], size[0], size[1]];
}

export function overlaps(one: Bounds, other: Bounds): boolean {
  return (
    one[0] < other[0] + other[2] &&
    other[0] < one[0] + one[2] &&
    one[1] < other[1] + other[3] &&
    other[1] < one[1] + one[3]
  );
}

export function contains([x, y, width, height]: Bounds, [px, py]: Point): boolean {
  return px >= x && px <= x + width && py >= y && py <= y + height;
}

/** The nodes and notes whose middle lies in a group. */
export function insideOf(
  graph: Graph,
  bounds: Bounds,
  sizeOf: SizeOf,
): { readonly nodes: readonly string[]; readonly notes: readonly string[] } {
  const isInside = (position: Point, size: Size) =>
    contains(bounds, [position[0] + size[0] / 2, position[1] + size[1] / 2]);
  return {
    nodes: [...graph.nodes].filter(([id, node]) => isInside(node.position, sizeOf(id))).map(([id]) => id),
    notes: graph.notes.filter((note) => isInside(note.position, note.size)).map((note) => note.id),
  };
}
