/** The open documents as data: which there are, and which is in front. */

import { type History, begin } from "../model/history";
import type { Json } from "../model/json";
import { type Path, TOP, existingPath, graphAt } from "../model/path";
import { NOTHING, type Selection, existing } from "../model/selection";
import { type Graph, type Workflow, graphOf, workflowOf } from "../model/workflow";
import type { Draft } from "./drafts";

/** One open document. */
export interface OpenDocument {
  readonly key: string;
  /** Under which name it is saved on the server, and which revision of it this grew from. */
  readonly name: string | null;
  readonly revision: string | null;
  readonly history: History<Workflow>;
  /** What was last saved or opened; being dirty is being different from it. Null: never saved. */
  readonly saved: Workflow | null;
  readonly path: Path;
  readonly selection: Selection;
  /** The last run of this document. */
  readonly lastRun: string | null;
  /** For each seed (by port), the value its last run used. */
  readonly used: ReadonlyMap<string, Json>;
}

/** The open documents in the order of their tabs; `front` is always one of them. */
export interface Desk {
  readonly documents: readonly OpenDocument[];
  readonly front: OpenDocument;
}

export interface TabInfo {
  readonly key: string;
  readonly title: string;
  readonly dirty: boolean;
}

export function opened(key: string, workflow: Workflow, fields: Partial<OpenDocument> = {}): OpenDocument {
  return {
    key,
    name: null,
    revision: null,
    history: begin(workflow),
    saved: workflow,
    path: TOP,
    selection: NOTHING,
    lastRun: null,
    used: new Map(),
    ...fields,
  };
}

export function emptyDocument(key: string): OpenDocument {
  return opened(key, workflowOf(graphOf()));
}

export function deskOf(documents: readonly [OpenDocument, ...OpenDocument[]], front?: OpenDocument): Desk {
  return { documents, front: front ?? documents[0] };
}

export function documentOf(desk: Desk, key: string): OpenDocument | undefined {
  return desk.documents.find((document) => document.key === key);
}

/** The desk with a document changed, or laid at the end. It comes to the front only if it was there. */
export function withDocument(desk: Desk, document: OpenDocument): Desk {
  const known = documentOf(desk, document.key) !== undefined;
  const documents = known
    ? desk.documents.map((other) => (other.key === document.key ? document : other))
    : [...desk.documents, document];
  return { documents, front: desk.front.key === document.key ? document : desk.front };
}

export function inFront(desk: Desk, key: string): Desk {
  return { ...desk, front: documentOf(desk, key) ?? desk.front };
}

/** The desk without a document; its right neighbour comes to the front, and there is always one left. */
export function without(desk: Desk, key: string, spare: OpenDocument): Desk {
  const at = desk.documents.findIndex((document) => document.key === key);
  const [next, ...others] = desk.documents.filter((document) => document.key !== key);
  if (next === undefined) return deskOf([spare]);
  const front = desk.front.key === key ? ([next, ...others][at] ?? others.at(-1) ?? next) : desk.front;
  return { documents: [next, ...others], front };
}

export function isDirty(document: OpenDocument): boolean {
  return document.history.present !== document.saved;
}

/** Nothing was ever put into it. */
export function isUntouched(document: OpenDocument): boolean {
  const { graph } = document.history.present;
  return (
    document.name === null &&
    document.history.past.length === 0 &&
    graph.nodes.size + graph.notes.length === 0
  );
}

/** Path and selection cut down to what still exists. */
export function tidied(document: OpenDocument): OpenDocument {
  const path = existingPath(document.history.present, document.path);
  const graph = graphAt(document.history.present, path);
  return { ...document, path, selection: existing(document.selection, graph) };
}

export function titleOf(document: OpenDocument): string {
  const { title } = document.history.present.graph;
  return title === "" ? (document.name ?? "Untitled") : title;
}

export function graphInFront(desk: Desk): Graph {
  return graphAt(desk.front.history.present, desk.front.path);
}

export function draftFrom(document: OpenDocument, changed: number): Draft {
  const { key, name, revision, lastRun, used } = document;
  return {
    key,
    name,
    revision,
    lastRun,
    used,
    workflow: document.history.present,
    dirty: isDirty(document),
    changed,
  };
}

/** A draft opened again, under its own key or (a copy) under another. */
export function fromDraft(draft: Draft, key: string = draft.key): OpenDocument {
  const { name, revision, lastRun, used, workflow, dirty } = draft;
  return opened(key, workflow, { name, revision, lastRun, used, saved: dirty ? null : workflow });
}
