/** Copying and pasting parts of workflows as readable text. */

import { clipOf, paste, readClip } from "../model/clipboard";
import { serialise } from "../model/format";
import { isEmpty } from "../model/selection";
import type { Studio } from "../ui/editor";
import { plural } from "../ui/words";
import { extent } from "./measure";

function state(studio: Studio) {
  return studio.document.store.getState();
}

/** The selection as text, or null if there is none. */
export function copiedText(studio: Studio): string | null {
  const { workflow, path, selection } = state(studio);
  return isEmpty(selection) ? null : serialise(clipOf(workflow, path, selection));
}

/** Make the browser send its copy or cut event: the one way to the clipboard that needs no permission. */
export function askBrowser(what: "copy" | "cut"): void {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the successor is missing on plain http
  document.execCommand(what);
}

/** Put a copied part under the pointer, or into the middle of what is seen. */
export function pasteText(studio: Studio, text: string, keepLinks = false): boolean {
  const clip = readClip(text);
  if (clip === null) return false;
  const { workflow, path } = state(studio);
  const viewport = studio.shell.store.getState().viewport;
  const point = viewport?.toFlow(viewport.pointer());
  const [wide, high] = viewport?.isOver() === true ? [0, 0] : extent(clip.graph);
  const at =
    point === undefined ? null : ([Math.round(point.x - wide / 2), Math.round(point.y - high / 2)] as const);
  const pasted = paste(workflow, path, clip, { at, keepLinks });
  studio.document.change(`paste ${plural(clip.graph.nodes.size, "node")}`, () => pasted.workflow);
  studio.document.select(pasted.selection);
  return true;
}

/** From a menu: the browser may ask first. With the keys, its own paste event comes instead. */
export async function pasteClipboard(studio: Studio, keepLinks: boolean): Promise<void> {
  const text = "clipboard" in navigator ? await navigator.clipboard.readText().catch(() => null) : null;
  if (text === null) studio.notices.info("The browser keeps the clipboard closed. Press Ctrl+V instead.");
  else if (!pasteText(studio, text, keepLinks)) studio.notices.info("The clipboard holds no nodes.");
}
