/** Reads the fields of a JSON object one by one, and refuses what is left over. */

import { type Json, type JsonObject, NO_EXTRA, entry, isList, isNumber, isObject } from "./json";

/** The text is JSON, but not a workflow this version knows. The message is a sentence for the reader. */
export class UnreadableWorkflow extends Error {
  override readonly name = "UnreadableWorkflow";
}

export function fieldsOf(data: Json, where: string): Fields {
  if (!isObject(data)) throw new UnreadableWorkflow(`In ${where} an object is expected.`);
  return new Fields(data, where);
}

/** What of one object has been read. A missing field has its default; one of the wrong kind is refused. */
export class Fields {
  private readonly taken = new Set<string>();
  private readonly data: JsonObject;
  private readonly where: string;

  constructor(data: JsonObject, where: string) {
    this.data = data;
    this.where = where;
  }

  take(key: string): Json | undefined {
    this.taken.add(key);
    return entry(this.data, key);
  }

  has(key: string): boolean {
    return (entry(this.data, key) ?? null) !== null;
  }

  text(key: string, byDefault = ""): string {
    const value = this.take(key) ?? byDefault;
    return typeof value === "string" ? value : this.refuse(key, "a text");
  }

  textOrNull(key: string): string | null {
    const value = this.take(key) ?? null;
    return value === null || typeof value === "string" ? value : this.refuse(key, "a text");
  }

  number(key: string, byDefault: number): number {
    const value = this.take(key) ?? byDefault;
    return isNumber(value) ? Number(value) : this.refuse(key, "a number");
  }

  flag(key: string): boolean {
    const value = this.take(key) ?? false;
    return typeof value === "boolean" ? value : this.refuse(key, "true or false");
  }

  oneOf<T extends string>(key: string, options: readonly [T, ...T[]]): T {
    const value = this.take(key) ?? options[0];
    return options.find((option) => option === value) ?? this.refuse(key, `one of ${options.join(", ")}`);
  }

  list(key: string): readonly Json[] {
    const value = this.take(key) ?? [];
    return isList(value) ? value : this.refuse(key, "a list");
  }

  pair(key: string, byDefault: readonly [number, number]): readonly [number, number] {
    const value = this.take(key);
    if (value === undefined) return byDefault;
    const [first, second, ...more] = isList(value) ? value : [];
    if (isNumber(first) && isNumber(second) && more.length === 0) return [Number(first), Number(second)];
    return this.refuse(key, "a pair of numbers");
  }

  object(key: string): JsonObject {
    const value = this.take(key) ?? NO_EXTRA;
    return isObject(value) ? value : this.refuse(key, "an object");
  }

  entries(key: string): readonly (readonly [string, Json])[] {
    return Object.entries(this.object(key));
  }

  /** Everything was read. What nobody asked for comes from a newer version, and would be lost. */
  end(): void {
    const surplus = Object.keys(this.data).find((key) => !this.taken.has(key));
    if (surplus === undefined) return;
    throw new UnreadableWorkflow(
      `In ${this.where} there is "${surplus}", which this version does not know. Update Photogram.`,
    );
  }

  private refuse(key: string, wanted: string): never {
    throw new UnreadableWorkflow(`In ${this.where} "${key}" must be ${wanted}.`);
  }
}
