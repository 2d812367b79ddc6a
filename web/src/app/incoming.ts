/** Files that come from outside, dropped or pasted: a workflow opens, a picture goes where it is meant. */

import { addNode, freeNodeId, newNode, setValue } from "../model/edit";
import { picksFrom } from "../model/geometry";
import { selectionOf } from "../model/selection";
import type { NodeSpec } from "../model/spec";
import { samePlace } from "../state/document";
import type { Studio } from "../ui/editor";
import type { Point } from "../ui/popover";
import { upload } from "./file-host";

const LOADER = "LoadImage";

/** Take a file that was dropped at a point of the window, or pasted (no point). */
export async function takeFile(studio: Studio, file: File, at: Point | null): Promise<void> {
  if (!file.type.startsWith("image/")) {
    await studio.files.import(file, file.name);
    return;
  }
  const meant = at === null ? selectedNode(studio) : nodeAt(at);
  if (meant !== null && pictureInput(studio, meant) !== null) {
    await loadPicture(studio, file, at);
    return;
  }
  const imported = await studio.files.inside(file);
  const choice = studio.settings.store.getState().droppedPicture;
  if (imported === null || choice === "load") await loadPicture(studio, file, at);
  else if (choice === "open") studio.files.openImported(imported, file.name);
  else studio.shell.open({ kind: "dropped", file, imported, at });
}

/** Upload a picture and choose it in the node that is meant, or in a new node that loads it. */
export async function loadPicture(studio: Studio, file: File, at: Point | null): Promise<void> {
  const meant = at === null ? selectedNode(studio) : nodeAt(at);
  const input = meant === null ? null : pictureInput(studio, meant);
  const before = studio.document.store.getState();
  const name = await upload(studio, file);
  if (name === null) return;
  if (!samePlace(before, studio.document.store.getState())) {
    studio.notices.info(`${name} is in the input folder now.`);
    return;
  }
  if (meant !== null && input !== null) {
    studio.document.apply(`load ${name}`, (graph) => setValue(graph, meant, input, name));
    return;
  }
  const spec = studio.catalog.store.getState().specs.get(LOADER);
  if (spec === undefined) {
    studio.notices.info(`${name} is in the input folder now.`);
    return;
  }
  addLoader(studio, spec, name, at);
}

function addLoader(studio: Studio, spec: NodeSpec, name: string, at: Point | null): void {
  const viewport = studio.shell.store.getState().viewport;
  const { x, y } = viewport?.toFlow(at ?? viewport.pointer()) ?? { x: 0, y: 0 };
  studio.document.apply(`load ${name}`, (graph) => {
    const id = freeNodeId(graph, spec.type);
    const node = newNode(spec, [Math.round(x - 140), Math.round(y - 60)]);
    const input = picksFrom(spec, "input");
    return {
      graph: setValue(addNode(graph, id, node), id, input ?? "image", name),
      selection: selectionOf({ nodes: new Set([id]) }),
    };
  });
}

function selectedNode({ document }: Studio): string | null {
  const { nodes } = document.store.getState().selection;
  const [first] = nodes;
  return nodes.size === 1 && first !== undefined ? first : null;
}

function nodeAt({ x, y }: Point): string | null {
  return document.elementFromPoint(x, y)?.closest("[data-node]")?.getAttribute("data-node") ?? null;
}

/** The input by which a node loads a picture. */
function pictureInput({ document, catalog }: Studio, id: string): string | null {
  const spec = catalog.store.getState().specs.get(document.store.getState().graph.nodes.get(id)?.type ?? "");
  return spec === undefined ? null : picksFrom(spec, "input");
}
