/** The documents that are open, one of them in front; edits, undo, selection, drafts. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { amend, commit, redo, settle, undo } from "../model/history";
import type { Json } from "../model/json";
import { type Path, withGraphAt } from "../model/path";
import { NOTHING, type Selection, sameSelection } from "../model/selection";
import type { Graph, Workflow } from "../model/workflow";
import * as desks from "./desk";
import type { Desk, OpenDocument, TabInfo } from "./desk";
import { draftOf, drafts, dropDraft, pruneDrafts } from "./drafts";
import type { Environment } from "./environment";
import { draftKeeper, rememberedTabs } from "./keeper";

export type { OpenDocument, TabInfo } from "./desk";

/** An edit's result, if it also says what is selected after it. */
export interface Edited {
  readonly graph: Graph;
  readonly selection: Selection;
}

/** A change of the graph in front of the person: from graph to graph. */
export type Edit = (graph: Graph) => Graph | Edited;

export interface EditOptions {
  /** Edits that carry the same text one after another are one undo step. End with `settle()`. */
  readonly merge?: string | null;
}

export interface Origin {
  readonly name?: string | null;
  readonly revision?: string | null;
  /** It stands nowhere but here, so it counts as unsaved. */
  readonly dirty?: boolean;
}

/** The document in front, flat for selectors, and the tabs. */
export interface DocumentState extends OpenDocument {
  readonly desk: Desk;
  readonly workflow: Workflow;
  /** The graph being edited: the document's own, or the subgraph that `path` leads to. */
  readonly graph: Graph;
  readonly title: string;
  readonly dirty: boolean;
  /** What undo and redo would do, or null. */
  readonly undoLabel: string | null;
  readonly redoLabel: string | null;
  readonly tabs: readonly TabInfo[];
  /** False: the browser has no room or forbids storage; unsaved work would go with the page. */
  readonly draftsKept: boolean;
}

/** Whether the same graph of the same document is in front: what took a while may have been meant for another. */
export function samePlace(one: DocumentState, other: DocumentState): boolean {
  return one.key === other.key && one.path === other.path;
}

export interface Documents {
  readonly store: StoreApi<DocumentState>;
  /** Change the graph in front, as one labelled step ("connect", "paste 4 nodes"). */
  apply(label: string, edit: Edit, options?: EditOptions): void;
  /** Change the whole document. */
  change(label: string, edit: (workflow: Workflow) => Workflow, options?: EditOptions): void;
  /** Replace the present of a document without a step of its own (a rolled seed). */
  amend(key: string, workflow: Workflow): void;
  /** A gesture is over: the next edit is a step of its own. */
  settle(): void;
  /** Both answer the label of what they did, or null if there was nothing. */
  undo(): string | null;
  redo(): string | null;
  select(selection: Selection): void;
  /** Edit inside a subgraph; [] is the document's own graph. */
  enter(path: Path): void;
  /** Open in a new tab, in place of the present one if that is empty and untouched. Answers its key. */
  open(workflow: Workflow, from?: Origin): string;
  blank(): string;
  show(key: string): void;
  /** Close a tab; its draft stays for `reopen`. */
  close(key: string): void;
  /** Bring back the tab closed last. */
  reopen(): void;
  /** The server has this state of the document, under that name. */
  markSaved(key: string, workflow: Workflow, name: string, revision: string): void;
  markRun(key: string, run: string, used: ReadonlyMap<string, Json>): void;
  find(key: string): OpenDocument | undefined;
  /** Bring back what was open before. Answers false if nothing was. */
  restore(): Promise<boolean>;
  /** Write drafts now (before the page goes). */
  flush(): void;
}

/** What the parts below share: the store, and how a document gets onto the desk. */
interface Workshop {
  readonly environment: Environment;
  readonly store: StoreApi<DocumentState>;
  readonly front: () => OpenDocument;
  readonly lay: (desk: Desk) => void;
  /** Lay a changed document; with `keep` its draft is written soon. */
  readonly put: (document: OpenDocument, keep?: boolean) => void;
  readonly newKey: () => string;
  readonly flush: () => void;
}

const CLOSED = "photogram:closed";

export function createDocuments(environment: Environment): Documents {
  const newKey = () => environment.random().toString(36);
  const first = desks.emptyDocument(newKey());
  const store = createStore<DocumentState>(() => stateOf(desks.deskOf([first]), true));
  const lay = (desk: Desk) => {
    const next = stateOf(desk, store.getState().draftsKept);
    const { tabs } = store.getState();
    store.setState(sameTabs(next.tabs, tabs) ? { ...next, tabs } : next);
  };
  const keeper = draftKeeper(
    environment,
    () => store.getState().desk,
    (draftsKept) => store.setState({ draftsKept }),
  );
  const put = (document: OpenDocument, keep = true) => {
    lay(desks.withDocument(store.getState().desk, document));
    if (keep) keeper.soon(document.key);
  };
  const front = () => store.getState().desk.front;
  const workshop: Workshop = { environment, store, front, lay, put, newKey, flush: keeper.flush };
  return { store, flush: keeper.flush, ...edits(workshop), ...tabs(workshop), ...marks(workshop) };
}

function edits({ store, front, put }: Workshop) {
  const change: Documents["change"] = (label, edit, { merge = null } = {}) => {
    const document = front();
    const history = commit(document.history, edit(document.history.present), label, merge);
    if (history !== document.history) put(desks.tidied({ ...document, history }));
  };
  const apply: Documents["apply"] = (label, edit, options) => {
    const { path, graph } = store.getState();
    const result = edit(graph);
    const edited = "graph" in result ? result : { graph: result, selection: null };
    change(label, (workflow) => withGraphAt(workflow, path, edited.graph), options);
    if (edited.selection !== null) select(edited.selection);
  };
  const select = (selection: Selection): void => {
    const document = desks.tidied({ ...front(), selection });
    if (!sameSelection(document.selection, front().selection)) put(document, false);
  };
  const step = (label: string | null, move: typeof undo<Workflow>): string | null => {
    if (label !== null) put(desks.tidied({ ...front(), history: move(front().history) }));
    return label;
  };
  return {
    change,
    apply,
    select,
    amend: (key: string, workflow: Workflow) => {
      const document = desks.documentOf(store.getState().desk, key);
      if (document !== undefined) put({ ...document, history: amend(document.history, workflow) });
    },
    settle: () => {
      const history = settle(front().history);
      if (history !== front().history) put({ ...front(), history }, false);
    },
    undo: () => step(store.getState().undoLabel, undo),
    redo: () => step(store.getState().redoLabel, redo),
    enter: (path: Path) => put(desks.tidied({ ...front(), path, selection: NOTHING }), false),
  };
}

function tabs({ environment, store, front, lay, put, newKey, flush }: Workshop) {
  const { local, session, claim } = environment;
  const show = (key: string): void => {
    lay(desks.inFront(store.getState().desk, key));
    flush();
  };
  const open: Documents["open"] = (workflow, { name = null, revision = null, dirty = false } = {}) => {
    const before = front();
    const document = desks.opened(newKey(), workflow, { name, revision, saved: dirty ? null : workflow });
    void claim(document.key);
    put(document);
    if (desks.isUntouched(before)) {
      lay(desks.without(store.getState().desk, before.key, document));
      dropDraft(local, before.key);
    }
    show(document.key);
    return document.key;
  };
  return {
    open,
    show,
    blank: () => {
      const document = desks.emptyDocument(newKey());
      put(document, false);
      show(document.key);
      return document.key;
    },
    close: (key: string) => {
      flush();
      const { desk } = store.getState();
      const closing = desks.documentOf(desk, key);
      if (closing === undefined) return;
      if (desks.isUntouched(closing)) dropDraft(local, key);
      else local.set(CLOSED, key);
      lay(desks.without(desk, key, desks.emptyDocument(newKey())));
      flush();
    },
    reopen: () => {
      const draft = draftOf(local, local.get(CLOSED) ?? "");
      if (draft === null) return;
      if (desks.documentOf(store.getState().desk, draft.key) === undefined) put(desks.fromDraft(draft));
      show(draft.key);
    },
    restore: async () => {
      const remembered = rememberedTabs(session);
      const keys =
        remembered.tabs.length > 0
          ? remembered.tabs
          : drafts(local)
              .slice(0, 1)
              .map((draft) => draft.key);
      const found: OpenDocument[] = [];
      for (const draft of keys.map((key) => draftOf(local, key)).filter((draft) => draft !== null)) {
        // Another tab of the browser works on this draft: go on with a copy, so that neither loses its work.
        const answer = await claim(draft.key);
        const mine = answer === "ours" || (answer === "unknown" && remembered.tabs.length > 0);
        found.push(desks.fromDraft(draft, mine ? draft.key : newKey()));
      }
      const [first, ...more] = found;
      if (first === undefined) return false;
      lay(desks.deskOf([first, ...more], found[keys.indexOf(remembered.front)]));
      pruneDrafts(local, new Set(found.map((document) => document.key)));
      for (const document of found) put(document);
      flush();
      return true;
    },
  };
}

function marks({ store, put }: Workshop) {
  const find = (key: string) => desks.documentOf(store.getState().desk, key);
  return {
    find,
    markSaved: (key: string, workflow: Workflow, name: string, revision: string) => {
      const document = find(key);
      if (document !== undefined) put({ ...document, saved: workflow, name, revision });
    },
    markRun: (key: string, run: string, used: ReadonlyMap<string, Json>) => {
      const document = find(key);
      if (document !== undefined) put({ ...document, lastRun: run, used });
    },
  };
}

/** The same list of tabs stays the same object, so that an edit does not redraw it. */
function sameTabs(one: readonly TabInfo[], other: readonly TabInfo[]): boolean {
  const same = (tab: TabInfo, { key, title, dirty }: TabInfo) =>
    tab.key === key && tab.title === title && tab.dirty === dirty;
  return (
    one.length === other.length && one.every((tab, at) => other[at] !== undefined && same(tab, other[at]))
  );
}

function stateOf(desk: Desk, draftsKept: boolean): DocumentState {
  const { front } = desk;
  return {
    ...front,
    desk,
    workflow: front.history.present,
    graph: desks.graphInFront(desk),
    title: desks.titleOf(front),
    dirty: desks.isDirty(front),
    undoLabel: front.history.past.at(-1)?.label ?? null,
    redoLabel: front.history.future[0]?.label ?? null,
    tabs: desk.documents.map((each) => ({
      key: each.key,
      title: desks.titleOf(each),
      dirty: desks.isDirty(each),
    })),
    draftsKept,
  };
}
