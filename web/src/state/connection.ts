/** Whether the server is there, and what it and its worker are doing. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { type Client, Refused, Unreachable } from "../api/client";
import type { PreviewFrame } from "../api/decode";
import { type Stream, openStream } from "../api/events";
import type { ServerEvent, System, WorkerState } from "../api/types";
import type { Environment } from "./environment";

export interface ConnectionState {
  readonly state: "connecting" | "open" | "lost";
  /** When the next attempt is made, in milliseconds since 1970. */
  readonly retryAt: number | null;
  readonly worker: WorkerState | null;
  /** Why the worker is not ready. */
  readonly reason: string;
  readonly system: System | null;
}

export interface Connection {
  readonly store: StoreApi<ConnectionState>;
  start(listener: ConnectionListener): void;
  stop(): void;
  retry(): void;
  /** Ask for memory figures and the like again. */
  refresh(): Promise<void>;
}

export interface ConnectionListener {
  readonly event: (event: ServerEvent) => void;
  readonly preview: (frame: PreviewFrame) => void;
  /** Events may have been missed: read the state again. Those that come after the answer build on it. */
  readonly resync: () => Promise<void>;
}

export function createConnection(client: Client, environment: Environment): Connection {
  const store = createStore<ConnectionState>(() => ({
    state: "connecting",
    retryAt: null,
    worker: null,
    reason: "",
    system: null,
  }));
  let stream: Stream | null = null;
  let seq: number | null = null;

  const ask = async (): Promise<System> => {
    const system = await client.system();
    store.setState({ system, worker: system.worker, reason: system.reason });
    return system;
  };
  const start = (listener: ConnectionListener): void => {
    const position = async (): Promise<number> => {
      const system = await ask();
      if (seq === null || system.seq < seq) {
        await listener.resync();
        seq = system.running_from;
      }
      return seq;
    };
    stream = openStream(
      { ...environment, position },
      {
        preview: listener.preview,
        opened: () => store.setState({ state: "open", retryAt: null }),
        lost: (retryMs) => store.setState({ state: "lost", retryAt: environment.now() + retryMs }),
        event: (event) => {
          seq = event.seq;
          if (event.kind === "resync") {
            void listener.resync();
            return;
          }
          if (event.kind === "worker_changed") store.setState({ worker: event.worker, reason: event.reason });
          listener.event(event);
        },
      },
    );
  };
  return {
    store,
    start,
    stop: () => stream?.stop(),
    retry: () => stream?.retry(),
    refresh: async () => {
      await ask().catch((error: unknown) => {
        if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
      });
    },
  };
}
