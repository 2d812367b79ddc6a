/** Messages without a place of their own. Errors stay until dismissed. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { Refused, Unreachable } from "../api/client";
import type { Environment } from "./environment";

export interface Notice {
  readonly id: number;
  readonly kind: "info" | "error";
  readonly text: string;
  readonly hint: string;
}

export interface Notices {
  readonly store: StoreApi<{ readonly notices: readonly Notice[] }>;
  info(text: string): void;
  error(text: string, hint?: string): void;
  /** Tell a failed request. Anything that is not one is thrown again: it is a fault of ours. */
  failure(error: unknown): void;
  dismiss(id: number): void;
}

const INFO_TIME = 5000;

export function createNotices(environment: Environment): Notices {
  const store = createStore<{ readonly notices: readonly Notice[] }>(() => ({ notices: [] }));
  let last = 0;
  const dismiss = (id: number) =>
    store.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
  const show = (kind: Notice["kind"], text: string, hint = ""): number => {
    const id = (last += 1);
    const others = store.getState().notices.filter((notice) => notice.text !== text);
    store.setState({ notices: [...others, { id, kind, text, hint }] });
    return id;
  };
  const error = (text: string, hint = ""): void => void show("error", text, hint);
  return {
    store,
    dismiss,
    error,
    info: (text) => {
      const id = show("info", text);
      environment.later(() => dismiss(id), INFO_TIME);
    },
    failure: (failure) => {
      if (failure instanceof Refused) {
        for (const problem of failure.problems) error(problem.message, problem.hint);
        if (failure.problems.length === 0) error(failure.message);
      } else if (failure instanceof Unreachable) error(failure.message);
      else throw failure;
    },
  };
}
