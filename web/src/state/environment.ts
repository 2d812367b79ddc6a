/** What the editor needs from the browser, passed in so that tests can pass something else. */

import type { Fetch } from "../api/client";
import type { Socket } from "../api/events";
import { type Camera, openCamera } from "./camera";

/** Texts by key, kept by the browser. `set` answers false when there is no room. */
export interface Shelf {
  get(key: string): string | null;
  set(key: string, value: string): boolean;
  remove(key: string): void;
  keys(): readonly string[];
}

export interface Environment {
  readonly fetch: Fetch;
  /** Opens a WebSocket to a path of the server. */
  readonly socket: (path: string) => Socket;
  /** Kept over restarts and shared by the browser's tabs. */
  readonly local: Shelf;
  /** Kept over a reload of this browser tab only. */
  readonly session: Shelf;
  /** Take a name for as long as this page lives. */
  readonly claim: (name: string) => Promise<Claim>;
  readonly now: () => number;
  /** 64 random bits. */
  readonly random: () => bigint;
  /** Runs a function later; the result stops it. */
  readonly later: (run: () => void, milliseconds: number) => () => void;
  /** A URL for bytes, and its release. */
  readonly objectUrl: (blob: Blob) => string;
  readonly revokeUrl: (url: string) => void;
  /** Asks for the computer's camera. Throws NoCamera. */
  readonly camera: () => Promise<Camera>;
  /** Runs when the page is hidden or left: the last moment to keep something. */
  readonly onHide: (run: () => void) => void;
}

/** `unknown`: the browser does not say whether another tab has it. */
export type Claim = "ours" | "taken" | "unknown";

const CLAIM_PATIENCE = 500;

/** The real browser. */
export function browserEnvironment(window: Window & typeof globalThis): Environment {
  return {
    fetch: (url, init) => window.fetch(url, init),
    socket: (path) => {
      const url = new URL(path, window.location.href);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return new window.WebSocket(url);
    },
    local: shelfOf(() => window.localStorage),
    session: shelfOf(() => window.sessionStorage),
    claim: (name) => claim(window.navigator, name),
    now: () => window.Date.now(),
    random: () => window.crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n,
    later: (run, milliseconds) => {
      const timer = window.setTimeout(run, milliseconds);
      return () => window.clearTimeout(timer);
    },
    objectUrl: (blob) => window.URL.createObjectURL(blob),
    revokeUrl: (url) => window.URL.revokeObjectURL(url),
    camera: () => openCamera(window),
    onHide: (run) => {
      window.addEventListener("pagehide", run);
      window.document.addEventListener("visibilitychange", run);
    },
  };
}

/** A shelf over a browser's storage, which may be forbidden or full: then it keeps nothing. */
function shelfOf(storage: () => Storage): Shelf {
  const attempt = <T>(action: () => T, otherwise: T): T => {
    try {
      return action();
    } catch {
      return otherwise;
    }
  };
  return {
    get: (key) => attempt(() => storage().getItem(key), null),
    set: (key, value) =>
      attempt(() => {
        storage().setItem(key, value);
        return true;
      }, false),
    remove: (key) => attempt(() => storage().removeItem(key), undefined),
    keys: () => attempt(() => Object.keys(storage()), []),
  };
}

/** Web Locks exist on secure origins only. After a reload the old page may hold its names for a moment longer. */
async function claim(navigator: Navigator, name: string): Promise<Claim> {
  const locks: LockManager | undefined = "locks" in navigator ? navigator.locks : undefined;
  if (locks === undefined) return "unknown";
  return new Promise((resolve) => {
    const forEver = () => {
      resolve("ours");
      return new Promise<never>(() => undefined);
    };
    const signal = AbortSignal.timeout(CLAIM_PATIENCE);
    locks.request(`photogram:${name}`, { signal }, forEver).catch(() => resolve("taken"));
  });
}

/** A shelf in memory, for tests. */
export function memoryShelf(): Shelf {
  const texts = new Map<string, string>();
  return {
    get: (key) => texts.get(key) ?? null,
    set: (key, value) => texts.set(key, value).has(key),
    remove: (key) => void texts.delete(key),
    keys: () => [...texts.keys()],
  };
}
