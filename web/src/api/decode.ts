/** Where JSON from the server becomes our types: the only place that trusts its shape, which both sides generate. */

import { type Json, entry, isList, isNumber, isObject, readJson } from "../model/json";
import type { Catalog, Input, NodeSpec, Option, Problem, Problems, ServerEvent, Widget } from "./types";

/** An answer as the type the server wrote it from. Raises if it is no object at all. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the type
export function decoded<T extends object>(data: Json): T {
  if (!isObject(data)) throw new TypeError("The server answered with something that is not a JSON object.");
  return data as unknown as T;
}

/** The catalog. Limits become plain numbers; only defaults keep whole numbers beyond 2^53. */
export function decodeCatalog(data: Json): Catalog {
  const catalog = decoded<Catalog>(data);
  return { ...catalog, nodes: catalog.nodes.map(plainSpec) };
}

function plainSpec(spec: NodeSpec): NodeSpec {
  return { ...spec, inputs: spec.inputs.map(plainInput) };
}

function plainInput(input: Input): Input {
  return {
    ...input,
    widget: input.widget && plainWidget(input.widget),
    options: input.options.map(plainOption),
  };
}

function plainOption(option: Option): Option {
  return { ...option, inputs: option.inputs.map(plainInput) };
}

function plainWidget(widget: Widget): Widget {
  const { low, high, step, round_to } = widget;
  const plain = (limit: number | bigint | null) => (limit === null ? null : Number(limit));
  return { ...widget, low: plain(low), high: plain(high), step: plain(step), round_to: plain(round_to) };
}

/** The problems of a refusal, or null if the text is something else (a proxy's page). */
export function decodeProblems(text: string): readonly Problem[] | null {
  try {
    const data = readJson(text);
    const problems = isObject(data) ? entry(data, "problems") : undefined;
    return isList(problems) ? (data as unknown as Problems).problems : null;
  } catch {
    return null;
  }
}

/** A text frame. Null if it is none of ours. */
export function decodeEvent(text: string): ServerEvent | null {
  try {
    const data = readJson(text);
    return isObject(data) && typeof entry(data, "kind") === "string"
      ? (data as unknown as ServerEvent)
      : null;
  } catch {
    return null;
  }
}

/** A picture of a step, before its node is done. */
export interface PreviewFrame {
  readonly run: string;
  readonly node: string;
  readonly done: number;
  readonly total: number;
  readonly picture: Blob;
}

/** A binary frame: the length of a JSON header (4 bytes, big end first), the header, the picture. */
export function decodePreview(frame: ArrayBuffer): PreviewFrame | null {
  if (frame.byteLength < 4) return null;
  const length = new DataView(frame).getUint32(0);
  if (4 + length > frame.byteLength) return null;
  try {
    const header = readJson(new TextDecoder().decode(new Uint8Array(frame, 4, length)));
    if (!isObject(header)) return null;
    const text = (key: string) => {
      const value = entry(header, key);
      return typeof value === "string" ? value : "";
    };
    const count = (key: string) => {
      const value = entry(header, key);
      return isNumber(value) ? Number(value) : 0;
    };
    const picture = new Blob([frame.slice(4 + length)], { type: text("mime") });
    return { run: text("run"), node: text("node"), done: count("done"), total: count("total"), picture };
  } catch {
    return null;
  }
}
