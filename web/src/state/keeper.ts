/** Keeps drafts: each changed document a moment after its last change, and which tabs are open. */

import { type Desk, draftFrom } from "./desk";
import { keepDraft } from "./drafts";
import type { Environment, Shelf } from "./environment";

const TABS = "photogram:tabs";
const DRAFT_DELAY = 250;

/** Writes changed documents to the browser's storage, a moment after the last change. */
export function draftKeeper(environment: Environment, deskNow: () => Desk, tell: (kept: boolean) => void) {
  const waiting = new Set<string>();
  let stop = (): void => undefined;
  const flush = (): void => {
    stop();
    const desk = deskNow();
    const changed = desk.documents.filter((document) => waiting.has(document.key));
    waiting.clear();
    const kept = changed.map((document) =>
      keepDraft(environment.local, draftFrom(document, environment.now())),
    );
    if (kept.length > 0) tell(!kept.includes(false));
    const remembered = { tabs: desk.documents.map((document) => document.key), front: desk.front.key };
    environment.session.set(TABS, JSON.stringify(remembered));
  };
  const soon = (key: string): void => {
    waiting.add(key);
    stop();
    stop = environment.later(flush, DRAFT_DELAY);
  };
  return { flush, soon };
}

/** The keys of the tabs this browser tab had open before a reload. */
export function rememberedTabs(session: Shelf): { readonly tabs: readonly string[]; readonly front: string } {
  try {
    const data: unknown = JSON.parse(session.get(TABS) ?? "null");
    if (typeof data !== "object" || data === null || !("tabs" in data) || !Array.isArray(data.tabs))
      throw new TypeError();
    const tabs = data.tabs.filter((key) => typeof key === "string");
    return { tabs, front: "front" in data && typeof data.front === "string" ? data.front : "" };
  } catch {
    return { tabs: [], front: "" };
  }
}
