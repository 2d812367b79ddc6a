/** What is being worked on, kept by the browser with every change, so that a reload or a crash loses nothing. */

import { parse, serialise } from "../model/format";
import { type Json, entry, isObject, objectOf, readJson, writeJson } from "../model/json";
import type { Workflow } from "../model/workflow";
import type { Shelf } from "./environment";

export interface Draft {
  readonly key: string;
  /** Under which name it is saved on the server, and which revision of it this grew from. */
  readonly name: string | null;
  readonly revision: string | null;
  readonly workflow: Workflow;
  readonly dirty: boolean;
  /** The last run of this document, to show its results again. */
  readonly lastRun: string | null;
  readonly used: ReadonlyMap<string, Json>;
  /** When it was last changed, in milliseconds since 1970. */
  readonly changed: number;
}

const PREFIX = "photogram:draft:";
const MOST = 30;

export function keepDraft(shelf: Shelf, draft: Draft): boolean {
  const { workflow, used, ...rest } = draft;
  const text = writeJson({ ...rest, used: objectOf(used), text: serialise(workflow) });
  if (shelf.set(PREFIX + draft.key, text)) return true;
  const oldest = drafts(shelf)
    .filter((other) => other.key !== draft.key)
    .at(-1);
  if (oldest === undefined) return false;
  shelf.remove(PREFIX + oldest.key);
  return keepDraft(shelf, draft);
}

export function dropDraft(shelf: Shelf, key: string): void {
  shelf.remove(PREFIX + key);
}

/** A draft by its key; null if there is none, or it cannot be read any more. */
export function draftOf(shelf: Shelf, key: string): Draft | null {
  const text = shelf.get(PREFIX + key);
  if (text === null) return null;
  try {
    const data = readJson(text);
    if (!isObject(data)) return null;
    const textAt = (field: string) => {
      const value = entry(data, field);
      return typeof value === "string" ? value : null;
    };
    const used = entry(data, "used");
    return {
      key,
      name: textAt("name"),
      revision: textAt("revision"),
      workflow: parse(textAt("text") ?? ""),
      dirty: entry(data, "dirty") === true,
      lastRun: textAt("lastRun"),
      used: new Map(isObject(used) ? Object.entries(used) : []),
      changed: Number(entry(data, "changed") ?? 0),
    };
  } catch {
    return null;
  }
}

/** Every draft, the last changed first. */
export function drafts(shelf: Shelf): readonly Draft[] {
  return shelf
    .keys()
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => draftOf(shelf, key.slice(PREFIX.length)))
    .filter((draft) => draft !== null)
    .sort((one, other) => other.changed - one.changed);
}

/** Forget the oldest drafts beyond a number; never those named. */
export function pruneDrafts(shelf: Shelf, open: ReadonlySet<string>): void {
  for (const draft of drafts(shelf).slice(MOST)) if (!open.has(draft.key)) dropDraft(shelf, draft.key);
}
