/** What is wrong with the document in front: what one sees while editing, and what the last run told. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { placeOf as placeIn } from "../model/path";
import type { Problem } from "../model/problem";
import { specsWith } from "../model/slots";
import { staleNodes } from "../model/stale";
import { validateAll } from "../model/validate-all";
import { CAMERA_OFF } from "../model/webcam";
import type { Workflow } from "../model/workflow";
import { type Cameras, cameraKey } from "./cameras";
import type { Catalogs } from "./catalog";
import type { Documents } from "./document";
import type { Environment } from "./environment";
import { type Runs, resultsOf } from "./runs";

export interface Faults {
  readonly problems: readonly Problem[];
  /** The same by node, as a run names it (`outer:inner`). A list stays the same object until it changes. */
  readonly byNode: ReadonlyMap<string, readonly Problem[]>;
}

/** What one can see without a server; of these the newest look counts. */
const VISIBLE = new Set([
  "unknown_node",
  "missing_input",
  "type_mismatch",
  "value_out_of_range",
  "not_an_option",
  "wrong_kind",
  "missing_file",
  "cycle",
  "dangling_link",
]);
const REST_MS = 200;
const NO_PROBLEMS: readonly Problem[] = [];

/** Looks for faults once nothing has changed for a moment: looking must not slow down typing. */
export function createFaults(
  environment: Environment,
  document: Documents,
  catalog: Catalogs,
  runs: Runs,
  cameras: Cameras,
): StoreApi<Faults> {
  const store = createStore<Faults>(() => ({ problems: [], byNode: new Map() }));
  let stop = (): void => undefined;
  const look = (): void => {
    stop();
    const { problems, byNode } = store.getState();
    const found = standing(document, catalog, runs, cameras);
    if (sameProblems(problems, found)) return;
    store.setState({ problems: found, byNode: grouped(found, byNode) });
  };
  const soon = (): void => {
    stop();
    stop = environment.later(look, REST_MS);
  };
  document.store.subscribe((now, before) => {
    if (now.key !== before.key) look();
    else if (now.workflow !== before.workflow) soon();
  });
  catalog.store.subscribe((now, before) => {
    if (now.specs !== before.specs || now.folders !== before.folders) soon();
  });
  cameras.store.subscribe(look);
  runs.store.subscribe((now, before) => {
    const { key } = document.store.getState();
    if (resultsOf(now, key).problems !== resultsOf(before, key).problems) look();
  });
  return store;
}

/**
 * What a run told about a node goes when that node changes; an input that is simply not wired yet is only a fault
 * once a run was tried.
 */
function standing(document: Documents, catalog: Catalogs, runs: Runs, cameras: Cameras): readonly Problem[] {
  const { key, workflow } = document.store.getState();
  const { specs, folders } = catalog.store.getState();
  const { problems: told, judged } = resultsOf(runs.store.getState(), key);
  const seen = specs.size === 0 ? [] : validateAll(workflow, specsWith(workflow, specs), folders);
  const changed = judged === null ? null : staleNodes(workflow.graph, judged.graph);
  const places = new Set(seen.map(placeOf));
  const stands = (problem: Problem): boolean =>
    problem.code === CAMERA_OFF && isOn(cameras, key, workflow, problem.node ?? "")
      ? false
      : VISIBLE.has(problem.code) && specs.size > 0
        ? places.has(placeOf(problem))
        : problem.node === null || changed?.has(problem.node) !== true;
  const stood = told.filter(stands);
  const known = new Set(stood.map(placeOf));
  const fresh = seen.filter(
    (problem) => !known.has(placeOf(problem)) && (told.length > 0 || problem.code !== "missing_input"),
  );
  return [...stood, ...fresh];
}

/** Whether the camera is on of a node, named as a run names it. */
function isOn({ store }: Cameras, key: string, workflow: Workflow, name: string): boolean {
  const place = placeIn(workflow, name);
  const camera = place && cameraKey(key, workflow, place.path, place.node);
  return camera !== null && store.getState().cameras.get(camera)?.kind === "live";
}

function grouped(
  problems: readonly Problem[],
  before: ReadonlyMap<string, readonly Problem[]>,
): ReadonlyMap<string, readonly Problem[]> {
  const found = Map.groupBy(problems, (problem) => problem.node ?? "");
  return new Map(
    [...found].map(([node, list]) => {
      const old = before.get(node) ?? NO_PROBLEMS;
      return [node, sameProblems(old, list) ? old : list] as const;
    }),
  );
}

function sameProblems(one: readonly Problem[], other: readonly Problem[]): boolean {
  const same = (a: Problem, b: Problem | undefined): boolean =>
    a.message === b?.message && a.warning === b.warning && placeOf(a) === placeOf(b);
  return one.length === other.length && one.every((problem, at) => same(problem, other[at]));
}

function placeOf({ code, node, input }: Problem): string {
  return JSON.stringify([code, node, input]);
}
