/** Finding node types by what one types: title, type, category, aliases; forgiving, and quick at a thousand types. */

import { inputTaking, outputGiving } from "./sockets";
import { type NodeSpec, type Specs, specTitle } from "./spec";

export interface SearchEntry {
  readonly spec: NodeSpec;
  readonly title: string;
  readonly words: readonly (readonly [text: string, weight: number])[];
}

export type SearchIndex = readonly SearchEntry[];

export interface SearchOptions {
  /** Only types with an input that takes this (a link was dragged from an output), or an output that gives it. */
  readonly takes?: string | null;
  readonly gives?: string | null;
  /** Types used last, the newest first. */
  readonly recent?: readonly string[];
  readonly limit?: number;
}

export function searchIndex(specs: Specs): SearchIndex {
  return [...specs.values()].map((spec) => {
    const title = specTitle(spec);
    const fields: readonly (readonly [string, number])[] = [
      [title, 1],
      [spec.type, 0.9],
      ...spec.aliases.map((alias) => [alias, 0.8] as const),
      [spec.category, 0.4],
      [spec.pack, 0.3],
    ];
    return { spec, title, words: fields.map(([text, weight]) => [text.toLowerCase(), weight] as const) };
  });
}

/** The types that match, best first. Without a text: those used last, then all by title. */
export function search(index: SearchIndex, text: string, options: SearchOptions = {}): readonly NodeSpec[] {
  const { takes = null, gives = null, recent = [], limit = 200 } = options;
  const terms = text
    .toLowerCase()
    .split(/\s+/)
    .filter((term) => term !== "");
  const recency = (type: string) => {
    const at = recent.indexOf(type);
    return at === -1 ? 0 : 1 - at / (recent.length + 1);
  };
  return index
    .filter(({ spec }) => takes === null || inputTaking(spec, takes) !== null)
    .filter(({ spec }) => gives === null || outputGiving(spec, gives) !== null)
    .map((entry) => ({ entry, score: scoreOf(entry, terms), recent: recency(entry.spec.type) }))
    .filter(({ score }) => score > 0)
    .sort(
      (one, other) =>
        other.score + other.recent - one.score - one.recent ||
        one.entry.title.localeCompare(other.entry.title),
    )
    .slice(0, limit)
    .map(({ entry }) => entry.spec);
}

/** Above 0 if every term is found somewhere; more the better. */
function scoreOf({ spec, words }: SearchEntry, terms: readonly string[]): number {
  let score = 1;
  for (const term of terms) {
    const best = Math.max(...words.map(([text, weight]) => weight * closeness(text, term)));
    if (best <= 0) return 0;
    score += best;
  }
  return score - (spec.deprecated ? 0.6 : 0) - (spec.experimental ? 0.1 : 0);
}

/** 4: the very text, 3: its beginning, 2: a word's beginning, 1: inside, below: the letters in order. */
function closeness(text: string, term: string): number {
  if (text === term) return 4;
  const at = text.indexOf(term);
  if (at === 0) return 3 - text.length / 1000;
  if (at > 0) return (/[a-z0-9]/.test(text[at - 1] ?? "") ? 1 : 2) - text.length / 1000;
  return scattered(text, term);
}

/** How well the letters of a term stand in order in a text: beginnings of words and runs count. */
function scattered(text: string, term: string): number {
  if (term.length < 2) return 0;
  let from = 0;
  let good = 0;
  for (const letter of term) {
    const at = text.indexOf(letter, from);
    if (at === -1) return 0;
    if (at === 0 || (at === from && from > 0) || !/[a-z0-9]/.test(text[at - 1] ?? "")) good += 1;
    from = at + 1;
  }
  return good / term.length < 0.5 ? 0 : 0.8 * (good / term.length);
}

/** The nodes of a graph that match a text: their title, type, or id (Ctrl+F); what is called just so comes first. */
export function findNodes(
  nodes: ReadonlyMap<string, { readonly type: string; readonly title: string | null }>,
  specs: Specs,
  text: string,
): readonly string[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const rank = (texts: readonly string[]): number => {
    const [name = "", ...others] = texts.map((each) => each.toLowerCase());
    if (name.includes(wanted)) return name === wanted ? 3 : 2;
    return others.some((each) => each.includes(wanted)) ? 1 : 0;
  };
  return [...nodes]
    .map(([id, { type, title }]) => {
      const spec = specs.get(type);
      const own = spec ? specTitle(spec) : type;
      return { id, rank: rank([title ?? own, own, type, id]) };
    })
    .filter((each) => each.rank > 0)
    .toSorted((one, other) => other.rank - one.rank)
    .map(({ id }) => id);
}
