/** Files that come from outside, dropped or pasted: a workflow opens, a picture or video goes where it is meant. */

import { addNode, freeNodeId, newNode, setValue } from "../model/edit";
import { picksFrom } from "../model/geometry";
import { selectionOf } from "../model/selection";
import type { NodeSpec } from "../model/spec";
import { samePlace } from "../state/document";
import type { Studio } from "../ui/editor";
import { isFilm } from "../ui/pictures";
import type { Point } from "../ui/popover";
import { upload } from "./file-host";

/** Which files the inputs pick that take one, and the node that loads one where none is meant. */
const KINDS = {
  picture: { folder: "input", loader: "LoadImage" },
  video: { folder: "videos", loader: "LoadVideo" },
} as const;
type Kind = keyof typeof KINDS;
/** So much of a video is looked into for a workflow; what was saved here has it before its frames. */
const HEAD_BYTES = 16_000_000;

/** Whether a file is a picture or a video; null if it is neither. */
export function kindOf(file: File): Kind | null {
  if (file.type.startsWith("image/")) return "picture";
  return file.type.startsWith("video/") || isFilm(file.name) ? "video" : null;
}

/** Take a file that was dropped at a point of the window, or pasted (no point). */
export async function takeFile(studio: Studio, file: File, at: Point | null): Promise<void> {
  const kind = kindOf(file);
  if (kind === null) {
    await studio.files.import(file, file.name);
    return;
  }
  const meant = at === null ? selectedNode(studio) : nodeAt(at);
  if (meant !== null && inputFor(studio, meant, kind) !== null) {
    await loadFile(studio, file, at);
    return;
  }
  const imported = await studio.files.inside(kind === "video" ? file.slice(0, HEAD_BYTES) : file);
  const choice = studio.settings.store.getState().droppedPicture;
  if (imported === null || choice === "load") await loadFile(studio, file, at);
  else if (choice === "open") studio.files.openImported(imported, file.name);
  else studio.shell.open({ kind: "dropped", file, imported, at });
}

/** Upload a picture or video and choose it in the node that is meant, or in a new node that loads it. */
export async function loadFile(studio: Studio, file: File, at: Point | null): Promise<void> {
  const kind = kindOf(file) ?? "picture";
  const meant = at === null ? selectedNode(studio) : nodeAt(at);
  const input = meant === null ? null : inputFor(studio, meant, kind);
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
  const spec = studio.catalog.store.getState().specs.get(KINDS[kind].loader);
  if (spec === undefined) {
    studio.notices.info(`${name} is in the input folder now.`);
    return;
  }
  addLoader(studio, spec, kind, name, at);
}

function addLoader(studio: Studio, spec: NodeSpec, kind: Kind, name: string, at: Point | null): void {
  const viewport = studio.shell.store.getState().viewport;
  const { x, y } = viewport?.toFlow(at ?? viewport.pointer()) ?? { x: 0, y: 0 };
  studio.document.apply(`load ${name}`, (graph) => {
    const id = freeNodeId(graph, spec.type);
    const node = newNode(spec, [Math.round(x - 140), Math.round(y - 60)]);
    const input = picksFrom(spec, KINDS[kind].folder);
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

/** The input by which a node loads a file of that kind. */
function inputFor({ document, catalog }: Studio, id: string, kind: Kind): string | null {
  const spec = catalog.store.getState().specs.get(document.store.getState().graph.nodes.get(id)?.type ?? "");
  return spec === undefined ? null : picksFrom(spec, KINDS[kind].folder);
}
