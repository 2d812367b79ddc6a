/** The cameras of the nodes in front: on while somebody looks at them, off when their node or document goes. */

import { type StoreApi, createStore } from "zustand/vanilla";

import type { Client } from "../api/client";
import { subgraphAt } from "../model/path";
import type { Path } from "../model/path";
import type { Workflow } from "../model/workflow";
import { type Camera, NoCamera, type NoCameraReason } from "./camera";
import type { Catalogs } from "./catalog";
import type { Documents } from "./document";
import type { Environment } from "./environment";

export type CameraState =
  | { readonly kind: "off" }
  /** The browser asks the person. */
  | { readonly kind: "asking" }
  | { readonly kind: "failed"; readonly reason: NoCameraReason }
  /** `captured`: a picture was taken, and is looked at instead. */
  | { readonly kind: "live"; readonly stream: MediaStream; readonly captured: boolean };

export interface CamerasState {
  readonly cameras: ReadonlyMap<string, CameraState>;
}

export interface Cameras {
  readonly store: StoreApi<CamerasState>;
  /** Of a node of the document in front. */
  readonly start: (path: Path, node: string) => Promise<void>;
  readonly stop: (path: Path, node: string) => void;
  readonly stopAll: () => void;
  readonly isOn: (path: Path, node: string) => boolean;
  /** A picture was taken by hand: show that. */
  readonly hold: (path: Path, node: string) => void;
  /** Take a picture into the input folder. Answers its name; null if the camera is off. */
  readonly take: (path: Path, node: string) => Promise<string | null>;
}

export interface CamerasParts {
  readonly client: Client;
  readonly environment: Environment;
  readonly document: Documents;
  readonly catalog: Catalogs;
}

export const OFF: CameraState = { kind: "off" };

/** Where a camera belongs. Every use of a subgraph shares what stands in it. */
interface Owner {
  readonly document: string;
  readonly subgraph: string | null;
  readonly node: string;
}

/** By what a camera of a node of a document is known; null if there is no such place. */
export function cameraKey(document: string, workflow: Workflow, path: Path, node: string): string | null {
  const owner = ownerOf(document, workflow, path, node);
  return owner === null ? null : keyOf(owner);
}

export function createCameras({ client, environment, document, catalog }: CamerasParts): Cameras {
  const store = createStore<CamerasState>(() => ({ cameras: new Map() }));
  const owners = new Map<string, Owner>();
  const open = new Map<string, Camera>();
  const put = (key: string, state: CameraState): void =>
    store.setState(({ cameras }) => ({ cameras: new Map(cameras).set(key, state) }));
  const close = (key: string): void => {
    open.get(key)?.stop();
    open.delete(key);
    owners.delete(key);
  };
  const shut = (key: string): void => {
    if (!owners.has(key)) return;
    close(key);
    put(key, OFF);
  };
  const present = (path: Path, node: string): Owner | null => {
    const { key, workflow } = document.store.getState();
    return ownerOf(key, workflow, path, node);
  };
  const switchOn = async (key: string, owner: Owner): Promise<void> => {
    owners.set(key, owner);
    put(key, { kind: "asking" });
    try {
      const camera = await environment.camera();
      // While the browser asked, the node or the document went, or the person asked again.
      if (owners.get(key) !== owner) {
        camera.stop();
        return;
      }
      open.set(key, camera);
      camera.onEnd(() => {
        if (open.get(key) !== camera) return;
        close(key);
        put(key, { kind: "failed", reason: "absent" });
      });
      put(key, { kind: "live", stream: camera.stream, captured: false });
    } catch (error) {
      if (!(error instanceof NoCamera)) throw error;
      if (owners.get(key) !== owner) return;
      owners.delete(key);
      put(key, { kind: "failed", reason: error.reason });
    }
  };
  document.store.subscribe(({ key: front, workflow }, before) => {
    if (workflow === before.workflow && front === before.key) return;
    for (const [key, owner] of owners) if (!stands(owner, front, workflow)) shut(key);
  });
  const captured = (key: string, isCaptured: boolean): void => {
    const state = store.getState().cameras.get(key);
    if (state?.kind === "live") put(key, { ...state, captured: isCaptured });
  };
  return {
    store,
    start: async (path, node) => {
      const owner = present(path, node);
      if (owner === null) return;
      const key = keyOf(owner);
      if (open.has(key)) captured(key, false);
      else await switchOn(key, owner);
    },
    stop: (path, node) => {
      const owner = present(path, node);
      if (owner !== null) shut(keyOf(owner));
    },
    stopAll: () => {
      for (const key of [...owners.keys()]) shut(key);
    },
    isOn: (path, node) => {
      const owner = present(path, node);
      return owner !== null && open.has(keyOf(owner));
    },
    hold: (path, node) => {
      const owner = present(path, node);
      if (owner !== null) captured(keyOf(owner), true);
    },
    take: async (path, node) => {
      const owner = present(path, node);
      const camera = owner && open.get(keyOf(owner));
      if (!camera) return null;
      const { name } = await client.upload(await camera.frame(), nameAt(environment.now()));
      await catalog.refreshFolders();
      return name;
    },
  };
}

function ownerOf(document: string, workflow: Workflow, path: Path, node: string): Owner | null {
  const subgraph = subgraphAt(workflow, path);
  return subgraph === undefined ? null : { document, subgraph, node };
}

function keyOf({ document, subgraph, node }: Owner): string {
  return JSON.stringify([document, subgraph, node]);
}

function stands({ document, subgraph, node }: Owner, front: string, workflow: Workflow): boolean {
  const graph = subgraph === null ? workflow.graph : workflow.subgraphs.get(subgraph);
  return document === front && graph?.nodes.has(node) === true;
}

/** A name by the moment, so that pictures stand in their order. */
function nameAt(milliseconds: number): string {
  return `webcam ${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".")}.png`;
}
