/** Draws a scene. Everything of one look goes into one path: hundreds of nodes cost few calls. */

import type { Line, Plate, Scene, Tone } from "./far-scene";
import { type Advance, fitted } from "./far-titles";

/** The part of the canvas to draw; `x` and `y` are where its origin lies in the picture, in pixels of the window. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  readonly width: number;
  readonly height: number;
}

/** Colours by name, as the style sheets have them, and the font. */
export interface Ink {
  readonly color: (name: string) => string;
  readonly font: string;
  readonly advance: Advance;
}

type Titled = Scene["frames"][number];

const LINE = 1.5;
const RADIUS = 10;
const SIGN = 9;
/** Sizes of titles, in pixels of the window: never smaller, however far away. */
const LEAST_FONT = 11;
const MOST_FONT = 15;
const FONT = 26;
const LEADING = 1.2;
const LEAST_TITLE = 34;

const TONES: Readonly<Record<Tone, string>> = {
  plain: "--line-strong",
  queued: "--text-3",
  running: "--accent",
  reused: "--text-3",
  done: "--ok",
  failed: "--error",
  warning: "--warn",
};

export function drawScene(context: CanvasRenderingContext2D, scene: Scene, view: View, ink: Ink): void {
  const inView = (box: Titled) => isInView(box.x, box.y, box.x + box.width, box.y + box.height, view);
  const frames = scene.frames.filter(inView);
  const plates = scene.plates.filter(inView);
  for (const frame of frames) drawFrame(context, frame, view, ink);
  drawLines(context, scene.lines, view);
  for (const alike of Map.groupBy(plates, lookOf).values()) drawPlates(context, alike, view, ink);
  drawTitles(context, plates, view, ink);
  for (const plate of plates) if (plate.focused) drawFocus(context, plate, view, ink);
  for (const frame of frames) drawHeading(context, frame, view, ink);
}

function isInView(left: number, top: number, right: number, bottom: number, view: View): boolean {
  const { x, y, zoom, width, height } = view;
  return right * zoom + x > 0 && left * zoom + x < width && bottom * zoom + y > 0 && top * zoom + y < height;
}

function drawLines(context: CanvasRenderingContext2D, lines: readonly Line[], view: View): void {
  const { x, y, zoom } = view;
  const paths = new Map<string, Path2D>();
  for (const { x1, y1, x2, y2, color } of lines) {
    if (!isInView(Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2), view)) continue;
    const path = paths.get(color) ?? new Path2D();
    path.moveTo(x1 * zoom + x, y1 * zoom + y);
    path.lineTo(x2 * zoom + x, y2 * zoom + y);
    paths.set(color, path);
  }
  context.lineWidth = LINE;
  context.globalAlpha = 0.7;
  for (const [color, path] of paths) {
    context.strokeStyle = color;
    context.stroke(path);
  }
  context.globalAlpha = 1;
}

/** A rectangle in pixels of the window. */
function placed({ x, y, width, height }: Titled, view: View): readonly [number, number, number, number] {
  const { zoom } = view;
  return [x * zoom + view.x, y * zoom + view.y, width * zoom, height * zoom];
}

function tintOf(color: string | null, ink: Ink): string | null {
  if (color === null) return null;
  return color.startsWith("#") ? color : ink.color(`--tint-${color}`);
}

function drawFrame(context: CanvasRenderingContext2D, frame: Titled, view: View, ink: Ink): void {
  const path = new Path2D();
  path.roundRect(...placed(frame, view), Math.min(14 * view.zoom, 8));
  context.fillStyle = context.strokeStyle = tintOf(frame.color, ink) ?? ink.color("--tint-gray");
  context.globalAlpha = 0.09;
  context.fill(path);
  context.globalAlpha = frame.selected ? 1 : 0.5;
  if (frame.selected) context.strokeStyle = ink.color("--accent");
  context.lineWidth = 1;
  context.stroke(path);
  context.globalAlpha = 1;
}

function drawHeading(context: CanvasRenderingContext2D, frame: Titled, view: View, ink: Ink): void {
  const [x, y, width] = placed(frame, view);
  const size = fontSize(view.zoom);
  const [text] = fitted(frame.title, (width - 12) / size, 1, ink.advance);
  if (text === undefined || width < LEAST_TITLE) return;
  context.font = `600 ${size}px ${ink.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = ink.color("--text-2");
  context.fillText(text, x + 8, y + Math.max(17 * view.zoom, size * 0.7));
}

function lookOf({ tone, state, lost, selected, color }: Plate): string {
  return `${tone} ${state} ${lost} ${selected} ${color ?? ""}`;
}

function drawPlates(context: CanvasRenderingContext2D, plates: readonly Plate[], view: View, ink: Ink): void {
  const [first] = plates;
  if (first === undefined) return;
  const radius = Math.min(RADIUS * view.zoom, 6);
  const bodies = new Path2D();
  for (const plate of plates) bodies.roundRect(...placed(plate, view), radius);
  const tone = ink.color(TONES[first.tone]);
  const isPlain = first.tone === "plain";
  const tint = tintOf(first.color, ink);
  context.globalAlpha = first.state === "off" ? 0.42 : first.lost || first.state === "skipped" ? 0.7 : 1;
  context.fillStyle = ink.color("--node");
  context.fill(bodies);
  const alpha = context.globalAlpha;
  if (!isPlain || tint !== null) {
    context.globalAlpha = 0.16 * alpha;
    context.fillStyle = isPlain && tint !== null ? tint : tone;
    context.fill(bodies);
    context.globalAlpha = alpha;
  }
  context.strokeStyle = first.selected ? ink.color("--accent") : first.lost ? ink.color("--warn") : tone;
  context.lineWidth = first.selected ? 2 : isPlain ? 1 : 1.5;
  context.setLineDash(first.lost ? [5, 3] : first.tone === "queued" ? [2, 2] : []);
  context.stroke(bodies);
  context.setLineDash([]);
  context.fillStyle = context.strokeStyle = tone;
  for (const plate of plates) drawSign(context, plate, view);
  if (first.state === "skipped") drawHatch(context, plates, view, ink.color("--text-3"));
  context.globalAlpha = 1;
}

/** The ring around what has the keyboard's focus, with a gap. */
function drawFocus(context: CanvasRenderingContext2D, plate: Plate, view: View, ink: Ink): void {
  const [x, y, width, height] = placed(plate, view);
  context.strokeStyle = ink.color("--accent");
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(x - 4, y - 4, width + 8, height + 8, Math.min(RADIUS * view.zoom, 6) + 3);
  context.stroke();
}

/** A stroke from corner to corner, beside the paler body: the data passes by. */
function drawHatch(
  context: CanvasRenderingContext2D,
  plates: readonly Plate[],
  view: View,
  color: string,
): void {
  const path = new Path2D();
  for (const plate of plates) {
    const [x, y, width, height] = placed(plate, view);
    path.moveTo(x, y + height);
    path.lineTo(x + width, y);
  }
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.stroke(path);
}

function hasSign({ tone }: Plate, width: number, height: number): boolean {
  const says = tone === "done" || tone === "reused" || tone === "failed" || tone === "warning";
  return says && width >= 4 * SIGN && height >= 2.4 * SIGN;
}

/** What a node does, by shape as well as by colour: a tick, a bar, an exclamation mark. */
function drawSign(context: CanvasRenderingContext2D, plate: Plate, view: View): void {
  const [x, y, width, height] = placed(plate, view);
  if (plate.tone === "running")
    context.fillRect(x, y + height - 4, width * Math.max(plate.done, 0.06), Math.min(4, height));
  if (!hasSign(plate, width, height)) return;
  const left = x + width - SIGN - 5;
  const top = y + 5;
  context.lineWidth = 2;
  context.beginPath();
  if (plate.tone === "done" || plate.tone === "reused") {
    context.moveTo(left, top + SIGN * 0.55);
    context.lineTo(left + SIGN * 0.38, top + SIGN * 0.92);
    context.lineTo(left + SIGN, top + SIGN * 0.15);
  } else {
    context.moveTo(left + SIGN / 2, top);
    context.lineTo(left + SIGN / 2, top + SIGN * 0.6);
    context.moveTo(left + SIGN / 2, top + SIGN * 0.82);
    context.lineTo(left + SIGN / 2, top + SIGN);
  }
  context.stroke();
}

function fontSize(zoom: number): number {
  return Math.min(MOST_FONT, Math.max(LEAST_FONT, FONT * zoom));
}

function drawTitles(context: CanvasRenderingContext2D, plates: readonly Plate[], view: View, ink: Ink): void {
  const size = fontSize(view.zoom);
  const leading = size * LEADING;
  context.font = `600 ${size}px ${ink.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = ink.color("--text");
  for (const plate of plates) {
    const [x, y, width, height] = placed(plate, view);
    const most = Math.min(3, Math.floor((height - 2) / leading));
    if (most < 1 || width < LEAST_TITLE) continue;
    context.globalAlpha = plate.state === "off" ? 0.5 : 1;
    // A title in the middle of a low node stands beside the sign in its corner.
    const beside = hasSign(plate, width, height) && height / 2 - leading < SIGN + 8;
    const room = width - (beside ? SIGN + 8 : 0);
    const lines = fitted(plate.title, (room - 8) / size, most, ink.advance);
    const top = y + height / 2 - ((lines.length - 1) * leading) / 2;
    for (const [at, line] of lines.entries()) context.fillText(line, x + room / 2, top + at * leading);
  }
  context.globalAlpha = 1;
}
