/** The node types and file lists the server offers. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { type Client, Refused, Unreachable } from "../api/client";
import type { BrokenPack } from "../api/types";
import type { Specs } from "../model/spec";
import type { Environment } from "./environment";

export interface CatalogState {
  /** `starting`: the worker has not described its nodes yet; asking goes on by itself. */
  readonly phase: "loading" | "starting" | "ready" | "offline";
  /** From the last start; the worker has not answered yet. */
  readonly stale: boolean;
  readonly specs: Specs;
  readonly broken: readonly BrokenPack[];
  /** File names by folder (checkpoints, loras, input, ...). */
  readonly folders: ReadonlyMap<string, readonly string[]>;
}

export interface Catalogs {
  readonly store: StoreApi<CatalogState>;
  /** Ask for both again. */
  refresh(): Promise<void>;
  refreshNodes(): Promise<void>;
  refreshFolders(): Promise<void>;
}

const RETRY_SECONDS = 1;

export function createCatalog(client: Client, environment: Environment): Catalogs {
  const store = createStore<CatalogState>(() => ({
    phase: "loading",
    stale: false,
    specs: new Map(),
    broken: [],
    folders: new Map(),
  }));
  let etag: string | null = null;
  let stopRetry = (): void => undefined;

  const refreshNodes = async (): Promise<void> => {
    stopRetry();
    try {
      const answer = await client.catalog(etag);
      if (answer === null) {
        store.setState({ phase: "ready" });
        return;
      }
      etag = answer.etag;
      const { nodes, broken, stale } = answer.catalog;
      store.setState({
        phase: "ready",
        stale,
        broken,
        specs: new Map(nodes.map((spec) => [spec.type, spec])),
      });
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
      const starting = error instanceof Refused && error.status === 503;
      const known = store.getState().specs.size > 0;
      store.setState({ phase: starting ? "starting" : known ? "ready" : "offline" });
      const wait = error instanceof Refused ? (error.retryAfterSeconds ?? RETRY_SECONDS) : RETRY_SECONDS;
      if (starting) stopRetry = environment.later(() => void refreshNodes(), wait * 1000);
    }
  };
  const refreshFolders = async (): Promise<void> => {
    try {
      store.setState({ folders: new Map(Object.entries(await client.folders())) });
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    }
  };
  return {
    store,
    refreshNodes,
    refreshFolders,
    refresh: async () => {
      await Promise.all([refreshNodes(), refreshFolders()]);
    },
  };
}
