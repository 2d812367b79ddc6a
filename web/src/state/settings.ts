/** What a person prefers; kept by the browser and shared by its tabs. */

import { type StoreApi, createStore } from "zustand/vanilla";

import { type Json, type JsonObject, entry, isList, isObject, readJson, writeJson } from "../model/json";
import type { Environment } from "./environment";

export interface SettingsState {
  readonly theme: "system" | "dark" | "light";
  /** What the wheel does: zoom (mouse) or pan (trackpad). Null: not chosen yet. */
  readonly pointer: "mouse" | "trackpad" | null;
  readonly snap: boolean;
  readonly showTags: boolean;
  readonly minimap: boolean;
  readonly singleKeys: boolean;
  /** What to do with a dropped picture that holds a workflow. */
  readonly droppedPicture: "ask" | "open" | "load";
  /** Where a new page begins. */
  readonly startup: "last" | "blank";
  readonly inspector: boolean;
  /** Node types used last, the newest first. */
  readonly recent: readonly string[];
  /** Changed shortcuts: command id to keys. */
  readonly keys: Readonly<Record<string, string>>;
}

export interface Settings {
  readonly store: StoreApi<SettingsState>;
  set(change: Partial<SettingsState>): void;
  /** Put a node type at the head of `recent`. */
  used(type: string): void;
}

const KEY = "photogram:settings";
const MOST_RECENT = 12;
const BEGINNING: SettingsState = {
  theme: "system",
  pointer: null,
  snap: false,
  showTags: false,
  minimap: false,
  singleKeys: true,
  droppedPicture: "ask",
  startup: "last",
  inspector: true,
  recent: [],
  keys: {},
};

export function createSettings(environment: Environment): Settings {
  const store = createStore<SettingsState>(() => read(environment.local.get(KEY)));
  const set = (change: Partial<SettingsState>): void => {
    store.setState(change);
    environment.local.set(KEY, writeJson({ ...store.getState() }));
  };
  return {
    store,
    set,
    used: (type) => {
      const others = store.getState().recent.filter((each) => each !== type);
      set({ recent: [type, ...others].slice(0, MOST_RECENT) });
    },
  };
}

/** The settings in a text; whatever is missing or not understood is as in the beginning. */
function read(text: string | null): SettingsState {
  const data = attempt(text);
  const stored = isObject(data) ? data : {};
  const oneOf = <T extends string | null>(key: string, options: readonly T[], byDefault: T): T =>
    options.find((option) => option === entry(stored, key)) ?? byDefault;
  const flag = (key: "snap" | "showTags" | "minimap" | "singleKeys" | "inspector"): boolean => {
    const value = entry(stored, key);
    return typeof value === "boolean" ? value : BEGINNING[key];
  };
  return {
    theme: oneOf("theme", ["system", "dark", "light"], "system"),
    pointer: oneOf("pointer", ["mouse", "trackpad", null], null),
    snap: flag("snap"),
    showTags: flag("showTags"),
    minimap: flag("minimap"),
    singleKeys: flag("singleKeys"),
    droppedPicture: oneOf("droppedPicture", ["ask", "open", "load"], "ask"),
    startup: oneOf("startup", ["last", "blank"], "last"),
    inspector: flag("inspector"),
    recent: listAt(stored, "recent").filter((type) => typeof type === "string"),
    keys: Object.fromEntries(keysIn(entry(stored, "keys"))),
  };
}

function keysIn(value: Json | undefined): readonly (readonly [string, string])[] {
  const pairs = isObject(value) ? Object.entries(value) : [];
  return pairs.flatMap(([command, keys]) => (typeof keys === "string" ? [[command, keys] as const] : []));
}

function listAt(data: JsonObject, key: string): readonly Json[] {
  const value = entry(data, key);
  return isList(value) ? value : [];
}

function attempt(text: string | null): Json {
  try {
    return text === null ? null : readJson(text);
  } catch {
    return null;
  }
}
