import { placeOf } from "../model/path";
import { selectionOf } from "../model/selection";
import type { Studio } from "./editor";

const DRAWN_MS = 80;

/** Go to a node by the name a run knows it by, into the subgraph it stands in, and to one of its inputs. */
export function goTo({ document, shell }: Studio, name: string, input: string | null = null): void {
  const { workflow, path } = document.store.getState();
  const place = placeOf(workflow, name);
  if (place === null) return;
  const near = JSON.stringify(path) === JSON.stringify(place.path);
  if (!near) document.enter(place.path);
  document.select(selectionOf({ nodes: new Set([place.node]) }));
  // A graph just entered has first to be drawn, and is then shown whole.
  window.setTimeout(() => shell.store.getState().viewport?.show(place.node, input), near ? 0 : DRAWN_MS);
}
