/** What a document's runs have shown so far, as a pure function of their events. */

import type { EventBody, Problem, RunState, ShownItem } from "../api/types";
import { type Json, type JsonObject, entry } from "../model/json";
import type { Workflow } from "../model/workflow";

export type NodeStatus =
  | { readonly kind: "idle" }
  | { readonly kind: "queued" }
  | { readonly kind: "running"; readonly done: number; readonly total: number; readonly since: number }
  | { readonly kind: "reused" }
  | { readonly kind: "done"; readonly seconds: number }
  | { readonly kind: "failed"; readonly problem: Problem };

export interface Preview {
  readonly url: string;
  readonly done: number;
  readonly total: number;
}

/** Keys of the maps are node ids as a run names them: `outer:inner` inside a subgraph. */
export interface Results {
  /** The run these are of: the one that started last. */
  readonly run: string | null;
  readonly state: RunState | null;
  readonly nodes: ReadonlyMap<string, NodeStatus>;
  /** Pictures and texts; those of earlier runs stay until the node shows something new. */
  readonly shown: ReadonlyMap<string, readonly ShownItem[]>;
  readonly previews: ReadonlyMap<string, Preview>;
  /** What the last run or the last refusal found wrong. */
  readonly problems: readonly Problem[];
  /** The document that those are about. */
  readonly judged: Workflow | null;
  /** The document as it was run last with success or not, to see what changed since. */
  readonly submitted: Workflow | null;
  /** How many of the run's nodes are finished, and how many it has. */
  readonly finished: number;
  readonly total: number;
  readonly seconds: number | null;
}

export const IDLE: NodeStatus = { kind: "idle" };
const QUEUED: NodeStatus = { kind: "queued" };

export const NO_RESULTS: Results = {
  run: null,
  state: null,
  nodes: new Map(),
  shown: new Map(),
  previews: new Map(),
  problems: [],
  judged: null,
  submitted: null,
  finished: 0,
  total: 0,
  seconds: null,
};

/** A run begins: the nodes it needs wait; pictures of earlier runs stay. */
export function begun(
  results: Results,
  run: string,
  submitted: Workflow | null,
  needed: Iterable<string>,
): Results {
  const nodes = new Map([...needed].map((id) => [id, QUEUED] as const));
  return {
    ...results,
    run,
    state: "queued",
    nodes,
    problems: [],
    judged: submitted,
    submitted,
    finished: 0,
    total: nodes.size,
    seconds: null,
  };
}

/** The results after one event of their run. */
export function after(results: Results, event: EventBody, now: number): Results {
  switch (event.kind) {
    case "run_started":
      return { ...results, state: "running", total: event.total, finished: 0 };
    case "nodes_reused":
      return counted({ ...results, nodes: withAll(results.nodes, event.nodes, { kind: "reused" }) });
    case "node_started":
      return withStatus(results, event.node, { kind: "running", done: 0, total: 0, since: now });
    case "node_progress": {
      const before = results.nodes.get(event.node);
      const since = before?.kind === "running" ? before.since : now;
      return withStatus(results, event.node, {
        kind: "running",
        done: event.done,
        total: event.total,
        since,
      });
    }
    case "node_shown":
      return { ...results, shown: new Map(results.shown).set(event.node, event.items.map(shownItem)) };
    case "node_finished":
      return counted(withStatus(results, event.node, { kind: "done", seconds: event.seconds }));
    case "node_problem":
      return withProblem(results, event.problem, event.node);
    case "run_finished":
      return ended(results, event.state, event.seconds, event.problems);
    case "run_queued":
    case "queue_changed":
    case "worker_changed":
    case "catalog_changed":
    case "folders_changed":
      return results;
    default:
      return event satisfies never;
  }
}

function withProblem(results: Results, problem: Problem, node: string): Results {
  const problems = [...results.problems, { ...problem, node: problem.node ?? node }];
  const next = { ...results, problems };
  return problem.warning ? next : withStatus(next, node, { kind: "failed", problem });
}

/** What still waited or ran when a run ended is idle again. */
function ended(results: Results, state: RunState, seconds: number, found: readonly Problem[]): Results {
  const nodes = new Map([...results.nodes].map(([id, status]) => [id, atRest(status)] as const));
  const known = new Set(results.problems.map(problemKey));
  const problems = [...results.problems, ...found.filter((problem) => !known.has(problemKey(problem)))];
  for (const problem of found) {
    if (problem.node !== null && !problem.warning) nodes.set(problem.node, { kind: "failed", problem });
  }
  return { ...results, state, seconds, nodes, problems };
}

function atRest(status: NodeStatus): NodeStatus {
  return status.kind === "running" || status.kind === "queued" ? IDLE : status;
}

function problemKey(problem: Problem): string {
  return JSON.stringify([problem.code, problem.node, problem.input, problem.message]);
}

function counted(results: Results): Results {
  const isFinished = ({ kind }: NodeStatus) => kind === "done" || kind === "reused";
  const finished = [...results.nodes.values()].filter(isFinished).length;
  return { ...results, finished, total: Math.max(results.total, finished) };
}

function withStatus(results: Results, node: string, status: NodeStatus): Results {
  return { ...results, nodes: new Map(results.nodes).set(node, status) };
}

function withAll(nodes: Results["nodes"], ids: readonly string[], status: NodeStatus): Results["nodes"] {
  return new Map([...nodes, ...ids.map((id) => [id, status] as const)]);
}

const KINDS = ["image", "video", "file"] as const;

/** What an event says a node shows. A kind we do not know is shown as its text. */
export function shownItem(item: JsonObject): ShownItem {
  const text = (key: string) => textOf(entry(item, key));
  const folder = text("folder");
  return {
    kind: KINDS.find((kind) => kind === text("kind")) ?? "text",
    folder: folder === "input" || folder === "temp" ? folder : "output",
    name: text("name"),
    width: Number(entry(item, "width") ?? 0),
    height: Number(entry(item, "height") ?? 0),
    text: text("text"),
  };
}

/** Whether something that a node shows can be looked at: a picture or a video. */
export function isPictured({ kind }: ShownItem): boolean {
  return kind === "image" || kind === "video";
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The status to show for a subgraph's instance: what the nodes inside it do, most urgent first. */
export function statusInside(nodes: Results["nodes"], id: string): NodeStatus {
  const inner = [...nodes]
    .filter(([key]) => key === id || key.startsWith(`${id}:`))
    .map(([, status]) => status);
  for (const kind of ["failed", "running", "queued", "done", "reused"] as const) {
    const found = inner.find((status) => status.kind === kind);
    if (found !== undefined) return found;
  }
  return IDLE;
}
