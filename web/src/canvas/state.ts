/** What the canvas knows for the moment only: the wire in hand, things on the move. None of it belongs to the document. */

import { createContext, useContext, useEffect } from "react";
import { useStore } from "zustand";
import { type StoreApi, createStore } from "zustand/vanilla";
import { specsWith } from "../model/slots";
import type { Specs } from "../model/spec";
import type { Port, Workflow } from "../model/workflow";
import { type RunsState, resultsOf } from "../state/runs";
import { useStudio } from "../ui/editor";
import type { Point } from "../ui/popover";
import type { OpenEnd } from "../ui/shell";
import { type Figure, type Figures, createFigures } from "./anatomy";
import { type Turns, createTurns } from "./turns";

/** A wire being drawn, in canvas pixels. */
export interface Wire {
  readonly end: OpenEnd;
  readonly type: string;
  readonly origin: Point;
  readonly tip: Point;
  /** The link that was taken off its input to be plugged in elsewhere. */
  readonly lifted: string | null;
  /** The sockets it may go to. */
  readonly fits: ReadonlySet<string>;
}

export interface CanvasState {
  readonly wire: Wire | null;
  /** The socket a drop would connect to. */
  readonly aim: Port | null;
  /** The node body a drop would connect to. */
  readonly aimNode: string | null;
  /** The link a dragged node would be put into. */
  readonly aimLink: string | null;
  readonly hovered: string | null;
  /** So far away that only titles can be read. */
  readonly far: boolean;
  /** What is in view and near enough to be read, or selected: nodes, and links by their keys. */
  readonly inView: ReadonlySet<string>;
  readonly linksInView: ReadonlySet<string>;
  /** Seen from far: the node under the pointer. */
  readonly under: string | null;
  readonly moved: ReadonlyMap<string, Point>;
  readonly sized: ReadonlyMap<string, readonly [number, number]>;
  /** The nodes that have shown a step of their work, and so have room for its picture: its height per width. */
  readonly previewed: ReadonlyMap<string, number>;
}

export const NO_POINTS: ReadonlyMap<string, Point> = new Map();
export const NO_SIZES: ReadonlyMap<string, readonly [number, number]> = new Map();

export interface CanvasModel {
  readonly store: StoreApi<CanvasState>;
  readonly figures: Figures;
  /** In which the contents of nodes are mounted. */
  readonly turns: Turns;
  readonly specs: (workflow: Workflow, catalog: Specs) => Specs;
}

export function createCanvasModel(): CanvasModel {
  const store = createStore<CanvasState>(() => ({
    wire: null,
    aim: null,
    aimNode: null,
    aimLink: null,
    hovered: null,
    far: false,
    inView: new Set(),
    linksInView: new Set(),
    under: null,
    moved: NO_POINTS,
    sized: NO_SIZES,
    previewed: new Map(),
  }));
  let last: { subgraphs: Workflow["subgraphs"]; catalog: Specs; specs: Specs } | null = null;
  const specs = (workflow: Workflow, catalog: Specs): Specs => {
    if (last?.subgraphs !== workflow.subgraphs || last.catalog !== catalog) {
      last = { subgraphs: workflow.subgraphs, catalog, specs: specsWith(workflow, catalog) };
    }
    return last.specs;
  };
  return { store, figures: createFigures(), turns: createTurns(), specs };
}

export const CanvasContext = createContext<CanvasModel | null>(null);

export function useCanvasModel(): CanvasModel {
  const model = useContext(CanvasContext);
  if (model === null) throw new Error("This component stands outside of the canvas.");
  return model;
}

export function useCanvas<T>(select: (state: CanvasState) => T): T {
  return useStore(useCanvasModel().store, select);
}

/** How a node is drawn; the same object until that changes. */
export function useFigure(id: string): Figure | null {
  const studio = useStudio();
  const { figures, specs } = useCanvasModel();
  const catalog = useStore(studio.catalog.store, (state) => state.specs);
  const preview = useCanvas((state) => state.previewed.get(id));
  return useStore(studio.document.store, ({ graph, workflow }) =>
    figures.figure(graph, id, specs(workflow, catalog), preview),
  );
}

/** Nodes whose steps were seen get room for a picture of that shape, once in each run, for as long as the page lives. */
export function usePreviewed(): void {
  const studio = useStudio();
  const { store } = useCanvasModel();
  useEffect(() => {
    const measured = new Set<string>();
    const look = (runs: RunsState): void => {
      const { key, path } = studio.document.store.getState();
      const prefix = path.length === 0 ? "" : `${path.join(":")}:`;
      const { run, previews } = resultsOf(runs, key);
      for (const [name, { url }] of previews) {
        const seen = `${run ?? ""} ${name}`;
        if (!name.startsWith(prefix) || measured.has(seen)) continue;
        measured.add(seen);
        const id = name.slice(prefix.length);
        const keep = (shape: number): void => {
          const { previewed } = store.getState();
          if (previewed.get(id) !== shape) store.setState({ previewed: new Map(previewed).set(id, shape) });
        };
        // A newer step may have taken its place meanwhile: then that one is measured.
        shapeOf(url).then(keep, () => measured.delete(seen));
      }
    };
    return studio.runs.store.subscribe(look);
  }, [studio, store]);
}

/** The height of a picture per width. */
async function shapeOf(url: string): Promise<number> {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image.naturalHeight / image.naturalWidth;
}
