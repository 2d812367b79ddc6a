/** Runs: the queue, what each document's last run shows, and sending new ones. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { type Client, Refused, Unreachable } from "../api/client";
import type { PreviewFrame } from "../api/decode";
import type { Problem, Run, ServerEvent, ShownItem } from "../api/types";
import { parse } from "../model/format";
import { neededNodes } from "../model/stale";
import type { Workflow } from "../model/workflow";
import type { Environment } from "./environment";
import { NO_RESULTS, type NodeStatus, type Preview, type Results, IDLE, after, begun } from "./results";

export { IDLE, NO_RESULTS, statusInside } from "./results";
export type { NodeStatus, Preview, Results } from "./results";

export interface RunsState {
  /** Runs of everyone, newest first: those that wait or run, and the latest that ended. */
  readonly list: readonly Run[];
  /** The `before` of the next page of `list`; null if that is all. */
  readonly next: string | null;
  readonly queued: number;
  readonly running: number;
  /** Clicks on Run that the server has not answered yet (it may still be starting). */
  readonly sending: number;
  /** By key of the document. */
  readonly results: ReadonlyMap<string, Results>;
}

/** What a run of one of our documents was made from. */
export interface Submitted {
  readonly document: string;
  readonly workflow: Workflow | null;
  /** The ids of the nodes it needs. */
  readonly needed: readonly string[];
}

export interface Runs {
  readonly store: StoreApi<RunsState>;
  /** A click was made; call the answer when it is through. */
  sending(): () => void;
  /** The server took a run of ours. */
  accepted(run: Run, from: Submitted): void;
  /** A document was not run, because of these problems. */
  refused(document: string, workflow: Workflow, problems: readonly Problem[]): void;
  handle(event: ServerEvent): void;
  preview(frame: PreviewFrame): void;
  /** Read the queue again. */
  refresh(): Promise<void>;
  /** The next page of older runs. */
  more(): Promise<void>;
  /** Show again what a document's last run showed (after a reload). */
  recall(document: string, run: string): Promise<void>;
  /** A document was closed: its previews are released. */
  forget(document: string): void;
}

const PAGE = 30;
const REFRESH_DELAY = 150;

/** The results of a document. */
export function resultsOf(state: RunsState, document: string): Results {
  return state.results.get(document) ?? NO_RESULTS;
}

/** The run that made a file, if it is one of these, newest first: the names of previews come again. */
export function makerOf(list: readonly Run[], { folder, name }: ShownItem): string | null {
  const isIt = (item: ShownItem): boolean => item.folder === folder && item.name === name;
  return list.find((run) => run.outputs.some(({ items }) => items.some(isIt)))?.id ?? null;
}

/** The status of a node of a document, by the id its run knows it by. */
export function statusOf(state: RunsState, document: string, node: string): NodeStatus {
  return resultsOf(state, document).nodes.get(node) ?? IDLE;
}

export function createRuns(client: Client, environment: Environment): Runs {
  const store = createStore<RunsState>(() => ({
    list: [],
    next: null,
    queued: 0,
    running: 0,
    sending: 0,
    results: new Map(),
  }));
  const submitted = new Map<string, Submitted>();
  const early = new Map<string, readonly ServerEvent[]>();
  const queue = queueReader(client, environment, store);

  const put = (document: string, change: (results: Results) => Results): void => {
    const { results } = store.getState();
    const before = results.get(document) ?? NO_RESULTS;
    const next = change(before);
    if (next !== before) store.setState({ results: new Map(results).set(document, next) });
  };
  const apply = (run: string, event: ServerEvent): void => {
    const from = submitted.get(run);
    if (from === undefined || event.kind === "resync") return;
    put(from.document, (results) => {
      const starts = event.kind === "run_started" && (results.run !== run || results.state !== "queued");
      const current = starts ? begun(results, run, from.workflow, from.needed) : results;
      return current.run === run ? after(current, event, environment.now()) : current;
    });
  };
  const handle = (event: ServerEvent): void => {
    if (event.kind === "queue_changed") store.setState({ queued: event.queued, running: event.running });
    if (event.kind.startsWith("run_") || event.kind === "queue_changed") queue.soon();
    const run = "run" in event ? event.run : undefined;
    if (run === undefined) return;
    // Events may overtake the answer that tells the run's id: keep them until it is known.
    if (store.getState().sending > 0 && !submitted.has(run))
      early.set(run, [...(early.get(run) ?? []), event]);
    apply(run, event);
  };
  const accepted = (run: Run, from: Submitted): void => {
    submitted.set(run.id, from);
    const { state } = resultsOf(store.getState(), from.document);
    if (state !== "running")
      put(from.document, (results) => begun(results, run.id, from.workflow, from.needed));
    for (const event of early.get(run.id) ?? []) apply(run.id, event);
    early.clear();
    queue.soon();
  };
  return {
    store,
    handle,
    accepted,
    ...previews(environment, store, submitted, put),
    refresh: queue.refresh,
    more: queue.more,
    sending: () => {
      store.setState(({ sending }) => ({ sending: sending + 1 }));
      return () => store.setState(({ sending }) => ({ sending: Math.max(0, sending - 1) }));
    },
    refused: (document, judged, problems) =>
      put(document, (results) => {
        const isLive = results.state === "running" || results.state === "queued";
        return { ...results, problems, judged, state: isLive ? results.state : null };
      }),
    recall: async (document, id) => {
      const run = await client.run(id).catch(() => null);
      if (run === null) return;
      const text = await client.runWorkflow(id).catch(() => null);
      const workflow = text === null ? null : parse(text);
      const needed = workflow === null ? [] : [...neededNodes(workflow.graph, new Map())];
      submitted.set(id, { document, workflow, needed });
      put(document, (results) => ({
        ...recalled(results, run),
        submitted: workflow,
        judged: workflow,
        total: needed.length,
      }));
    },
  };
}

/** Reads the list of runs; `soon` waits a moment, so that many events cause one request. */
function queueReader(client: Client, environment: Environment, store: StoreApi<RunsState>) {
  let stop = (): void => undefined;
  const attempt = async (read: () => Promise<void>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    }
  };
  const refresh = () =>
    attempt(async () => {
      const { items, next } = await client.runs({ limit: PAGE });
      const oldest = items.at(-1)?.created ?? 0;
      const older = store.getState().list.filter((run) => run.created < oldest);
      const count = (state: Run["state"]) => items.filter((run) => run.state === state).length;
      const paged = older.length > 0 ? store.getState().next : next;
      store.setState({
        list: [...items, ...older],
        next: paged,
        queued: count("queued"),
        running: count("running"),
      });
    });
  const more = () =>
    attempt(async () => {
      const { next: before, list } = store.getState();
      if (before === null) return;
      const { items, next } = await client.runs({ limit: PAGE, before });
      store.setState({ list: [...list, ...items], next });
    });
  const soon = (): void => {
    stop();
    stop = environment.later(() => void refresh(), REFRESH_DELAY);
  };
  return { refresh, more, soon };
}

type Put = (document: string, change: (results: Results) => Results) => void;

/** The newest preview of each node, its URL released when another takes its place. */
function previews(
  environment: Environment,
  store: StoreApi<RunsState>,
  submitted: ReadonlyMap<string, Submitted>,
  put: Put,
) {
  return {
    preview: ({ run, node, done, total, picture }: PreviewFrame): void => {
      const document = submitted.get(run)?.document;
      if (document === undefined || resultsOf(store.getState(), document).run !== run) return;
      const old = resultsOf(store.getState(), document).previews.get(node);
      const preview: Preview = { url: environment.objectUrl(picture), done, total };
      put(document, (results) => ({ ...results, previews: new Map(results.previews).set(node, preview) }));
      if (old !== undefined) environment.revokeUrl(old.url);
    },
    forget: (document: string): void => {
      const { results } = store.getState();
      for (const { url } of results.get(document)?.previews.values() ?? []) environment.revokeUrl(url);
      store.setState({ results: new Map([...results].filter(([key]) => key !== document)) });
    },
  };
}

/** The results as a run's record tells them. */
function recalled(results: Results, run: Run): Results {
  const shown = new Map([...results.shown, ...run.outputs.map(({ node, items }) => [node, items] as const)]);
  const nodes = new Map(results.nodes);
  for (const problem of run.problems)
    if (problem.node !== null) nodes.set(problem.node, { kind: "failed", problem });
  const seconds = run.started !== null && run.finished !== null ? run.finished - run.started : null;
  return { ...results, run: run.id, state: run.state, shown, nodes, problems: run.problems, seconds };
}
