/** JSON as the workflow document needs it: whole numbers of any size survive, and any key is plain data. */

import type { Json, JsonObject } from "../api/types";

export type { Json, JsonObject } from "../api/types";

export const NO_EXTRA: JsonObject = {};

/** Text that is no JSON, or JSON that this browser cannot hold without loss. */
export class UnreadableJson extends Error {
  override readonly name = "UnreadableJson";
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function isWhole(value: Json | undefined): value is number | bigint {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
}

export function isNumber(value: Json | undefined): value is number | bigint {
  return typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value));
}

/** The entry under a key, never one inherited from Object.prototype. */
export function entry(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An object from entries; `__proto__` becomes an ordinary key. */
export function objectOf(entries: Iterable<readonly [string, Json]>): JsonObject {
  return Object.fromEntries(entries);
}

/** A number where it is exact, else a BigInt: the one form in which a whole number is kept. */
export function whole(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** JSON text to data. Whole numbers that a JavaScript number would round become BigInt. */
export function readJson(text: string): Json {
  try {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-return -- JSON.parse gives JSON
    return JSON.parse(text, exactNumber);
  } catch (error) {
    if (error instanceof UnreadableJson) throw error;
    throw new UnreadableJson(
      `This is not valid JSON: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

/** A JSON.parse reviver; the third argument (the source text of a literal) is newer than TypeScript's library. */
function exactNumber(_key: string, value: Json, context?: { readonly source?: string }): Json {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  if (source === undefined) {
    if (!Number.isInteger(value)) return value;
    throw new UnreadableJson(
      "This browser cannot read numbers beyond 2^53 exactly. Update it, so that no seed in the file is changed.",
    );
  }
  if (/^-?\d+$/.test(source)) return whole(BigInt(source));
  if (!Number.isFinite(value)) throw new UnreadableJson(`The number ${source.slice(0, 40)} is too large.`);
  return value;
}

/** Data to JSON text; keys keep their order, BigInt is written in full. */
export function writeJson(value: Json, indent = 0): string {
  return write(value, indent === 0 ? "" : "\n", " ".repeat(indent));
}

function write(value: Json, newline: string, indent: string): string {
  if (typeof value === "bigint") return value.toString();
  if (Object.is(value, -0)) return "-0.0";
  if (typeof value === "number" && !Number.isFinite(value)) return "null";
  if (isList(value)) return writeList(value, newline, indent);
  if (isObject(value)) return writeObject(value, newline, indent);
  return JSON.stringify(value);
}

function writeList(list: readonly Json[], newline: string, indent: string): string {
  const short = list.every((item) => item === null || typeof item !== "object");
  const deeper = short || newline === "" ? "" : newline + indent;
  const items = list.map((item) => write(item, short ? "" : deeper, indent));
  if (deeper === "") return `[${items.join(newline === "" || !short ? "," : ", ")}]`;
  return `[${deeper}${items.join(`,${deeper}`)}${newline}]`;
}

function writeObject(object: JsonObject, newline: string, indent: string): string {
  const deeper = newline === "" ? "" : newline + indent;
  const items = Object.entries(object).map(
    ([key, item]) => `${JSON.stringify(key)}:${newline === "" ? "" : " "}${write(item, deeper, indent)}`,
  );
  return items.length === 0 ? "{}" : `{${deeper}${items.join(`,${deeper}`)}${newline}}`;
}

/** Whether two values are the same data. */
export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (Object.is(one, other)) return true;
  if (one === undefined || other === undefined) return false;
  if (isList(one)) {
    return isList(other) && one.length === other.length && one.every((item, at) => sameJson(item, other[at]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameJson(one[key], other[key]))
  );
}
