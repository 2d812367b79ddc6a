/** Sending runs. A click made while the worker is still starting is kept and sent when it is ready. */

import { type Client, Refused } from "../api/client";
import type { Run } from "../api/types";
import { toJson } from "../model/format";
import { setValue } from "../model/edit";
import { graphAt, runId, withGraphAt } from "../model/path";
import { type Problem, problemOf } from "../model/problem";
import { rollSeeds } from "../model/seeds";
import { specsWith } from "../model/slots";
import { neededNodes } from "../model/stale";
import { CAMERA_OFF, type Shot, shotsFor } from "../model/webcam";
import type { Cameras } from "./cameras";
import type { Catalogs } from "./catalog";
import { titleOf } from "./desk";
import type { Documents } from "./document";
import type { Environment } from "./environment";
import type { Notices } from "./notices";
import type { Runs } from "./runs";

export interface RunOptions {
  /** Node ids to run up to; every node that saves or shows if absent. */
  readonly targets?: readonly string[];
  /** Before everything that waits. */
  readonly front?: boolean;
  /** How many runs, each with its own seeds. */
  readonly times?: number;
}

export interface Submitter {
  /** Answers the runs the server took. Refusals are in the document's results, other failures in the notices. */
  run(options?: RunOptions): Promise<readonly Run[]>;
  runTo(node: string): Promise<readonly Run[]>;
  cancel(run: string): Promise<void>;
  /** Stop what runs now. */
  cancelCurrent(): Promise<void>;
  cancelQueued(): Promise<void>;
}

export interface SubmitterParts {
  readonly client: Client;
  readonly environment: Environment;
  readonly document: Documents;
  readonly catalog: Catalogs;
  readonly cameras: Cameras;
  readonly runs: Runs;
  readonly notices: Notices;
}

export function createSubmitter(parts: SubmitterParts): Submitter {
  const { client, document, notices } = parts;
  const run: Submitter["run"] = async (options = {}) => {
    const key = document.store.getState().key;
    const accepted: Run[] = [];
    for (let time = 0; time < (options.times ?? 1); time += 1) {
      const sent = await sendOne(parts, key, options);
      if (sent === null) break;
      accepted.push(sent);
    }
    return accepted;
  };
  const attempt = async (action: () => Promise<unknown>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      notices.failure(error);
    }
  };
  return {
    run,
    runTo: (node) => run({ targets: [node] }),
    cancel: (id) => attempt(() => client.cancel(id)),
    cancelCurrent: () =>
      attempt(async () => {
        // The list is read a moment after each event: it may still name a run that has ended since.
        const [current] = (await client.runs({ state: "running", limit: 1 })).items;
        if (current !== undefined) await client.cancel(current.id);
      }),
    cancelQueued: () => attempt(() => client.cancelQueued()),
  };
}

/** Take the pictures it wants new, roll the seeds of a document, send it, and say whether the server took it. */
async function sendOne(parts: SubmitterParts, key: string, options: RunOptions): Promise<Run | null> {
  const { client, environment, document, catalog, runs, notices } = parts;
  const targets = options.targets ?? null;
  const through = runs.sending();
  let sent = document.find(key)?.history.present;
  try {
    if (!(await takePictures(parts, key, targets))) return null;
    const found = document.find(key);
    if (found === undefined) return null;
    const specs = specsWith(found.history.present, catalog.store.getState().specs);
    const { workflow, used } = rollSeeds(found.history.present, specs, found.used, environment.random);
    if (workflow !== found.history.present) document.amend(key, workflow);
    sent = workflow;
    const title = titleOf(found);
    const body = { workflow: toJson(workflow), targets, title, front: options.front ?? false };
    const run = await patiently(environment, () => client.submit(body));
    const needed = [...neededNodes(workflow.graph, specs, targets)];
    runs.accepted(run, { document: key, workflow, needed });
    document.markRun(key, run.id, used);
    return run;
  } catch (error) {
    if (error instanceof Refused && error.status === 422 && sent !== undefined)
      runs.refused(key, sent, error.problems);
    else notices.failure(error);
    return null;
  } finally {
    through();
  }
}

/** New pictures for the nodes that want them. Answers false if a camera is off; the results tell which. */
async function takePictures(
  { document, catalog, cameras, runs }: SubmitterParts,
  key: string,
  targets: readonly string[] | null,
): Promise<boolean> {
  const found = document.find(key)?.history.present;
  if (found === undefined) return false;
  const shots = shotsFor(found, specsWith(found, catalog.store.getState().specs), targets);
  const isOn = ({ path, node }: Shot) => document.store.getState().key === key && cameras.isOn(path, node);
  const refuse = (off: readonly Shot[]): boolean => {
    runs.refused(key, found, off.map(cameraOff));
    return false;
  };
  if (!shots.every(isOn)) return refuse(shots.filter((shot) => !isOn(shot)));
  for (const shot of shots) {
    const { path, node, input } = shot;
    const name = isOn(shot) ? await cameras.take(path, node) : null;
    const present = document.find(key)?.history.present;
    if (name === null || present === undefined) return refuse([shot]);
    document.amend(key, withGraphAt(present, path, setValue(graphAt(present, path), node, input, name)));
  }
  return true;
}

function cameraOff({ path, node, input }: Shot): Problem {
  return problemOf(CAMERA_OFF, "The camera is off, so there is no new picture.", {
    node: runId(path, node),
    input,
    hint: "Start the camera on the node, or turn off capture_on_queue to use the last picture.",
  });
}

const RETRY_SECONDS = 1;

/** Ask again for as long as the answer is "starting". */
async function patiently<T>(environment: Environment, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refused && error.status === 503)) throw error;
      const seconds = error.retryAfterSeconds ?? RETRY_SECONDS;
      await new Promise<void>((resolve) => void environment.later(resolve, seconds * 1000));
    }
  }
}
