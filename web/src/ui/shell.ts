/** The state of the window itself, none of it part of a document: what is open, what is said, what the canvas can do. */

import { type StoreApi, createStore } from "zustand/vanilla";
import type { Imported } from "../api/types";
import type { Port } from "../model/workflow";
import type { Shelf } from "../state/environment";
import type { Point } from "./popover";
import type { MenuEntry } from "./menu";

export type PanelName = "nodes" | "models" | "workflows" | "assets" | "queue";

/** A picture or video to look at: its address, its small form, and what it came from. */
export interface Picture {
  readonly url: string;
  readonly thumbnail: string;
  readonly name: string;
  /** It is a video. */
  readonly film: boolean;
  readonly width: number;
  readonly height: number;
  readonly run?: string | null;
}

/** The end of a wire that waits for its other end. */
export interface OpenEnd {
  readonly port: Port;
  readonly side: "input" | "output";
}

export type Overlay =
  | { readonly kind: "nodes"; readonly at: Point; readonly position: Point; readonly end: OpenEnd | null }
  | { readonly kind: "connect"; readonly at: Point; readonly end: OpenEnd }
  | {
      readonly kind: "menu";
      readonly at: Point;
      readonly label: string;
      readonly entries: readonly MenuEntry[];
    }
  /** A picture or video from outside that also holds a workflow: which of the two is meant? */
  | {
      readonly kind: "dropped";
      readonly file: File;
      readonly imported: Imported;
      readonly at: Point | null;
    }
  | { readonly kind: "viewer"; readonly pictures: readonly Picture[]; readonly index: number }
  | { readonly kind: "commands" | "shortcuts" | "about" | "save_as" | "find" | "settings" };

/** What the rest of the window may ask of the canvas. Points are in window pixels unless named flow. */
export interface Viewport {
  readonly fit: (nodes?: ReadonlySet<string>) => void;
  readonly zoomBy: (factor: number) => void;
  readonly zoomTo: (zoom: number) => void;
  /** Bring a node to the middle and put the focus on it, or on one of its inputs. */
  readonly show: (node: string, input?: string | null) => void;
  readonly focusCanvas: () => void;
  readonly toFlow: (point: Point) => Point;
  /** Where a new thing goes when the pointer does not say: under the pointer if it is over the canvas, else the middle. */
  readonly pointer: () => Point;
  /** The pointer is over the canvas. */
  readonly isOver: () => boolean;
}

export interface ShellState {
  readonly panel: PanelName | null;
  readonly problems: boolean;
  /** The problem that F8 went to last, as a key. */
  readonly problem: string;
  readonly overlay: Overlay | null;
  /** Read out by screen readers. */
  readonly said: string;
  readonly zoom: number;
  /** The node that holds the keyboard focus of the canvas. */
  readonly focused: string | null;
  /** The node or group whose name is being typed. */
  readonly renaming: string | null;
  readonly viewport: Viewport | null;
  /** The hand: dragging pans and never draws a box. */
  readonly hand: boolean;
  /** The light theme is on, by choice or by the system. */
  readonly light: boolean;
}

export interface Shell {
  readonly store: StoreApi<ShellState>;
  readonly set: (change: Partial<ShellState>) => void;
  /** Open a panel of the rail, or close it if it is open. */
  readonly panel: (name: PanelName) => void;
  readonly open: (overlay: Overlay) => void;
  readonly close: () => void;
  readonly say: (text: string) => void;
}

const PANEL = "photogram:panel";
const PANELS: readonly PanelName[] = ["nodes", "models", "workflows", "assets", "queue"];

export function createShell(shelf: Shelf): Shell {
  const store = createStore<ShellState>(() => ({
    panel: PANELS.find((name) => name === shelf.get(PANEL)) ?? null,
    problems: false,
    problem: "",
    overlay: null,
    said: "",
    zoom: 1,
    focused: null,
    renaming: null,
    viewport: null,
    hand: false,
    light: false,
  }));
  const set = (change: Partial<ShellState>): void => store.setState(change);
  return {
    store,
    set,
    panel: (name) => {
      const panel = store.getState().panel === name ? null : name;
      shelf.set(PANEL, panel ?? "");
      set({ panel });
    },
    open: (overlay) => set({ overlay }),
    close: () => set({ overlay: null }),
    say: (said) => set({ said }),
  };
}
