/** Attention weights in a prompt: `a (red:1.2) bird`. */

export interface Marked {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const STEP = 0.05;
const WEIGHTED = /^\((.*):(-?\d*\.?\d+)\)$/s;

/** The text with the selected words (or the word at the caret) weighed a step more or less. */
export function weigh(marked: Marked, direction: 1 | -1): Marked {
  const { text } = marked;
  const [start, end] = bracketed(text, ...wordAt(marked));
  if (start === end) return marked;
  const inside = text.slice(start, end);
  const match = WEIGHTED.exec(inside);
  const words = match?.[1] ?? inside;
  const before = match?.[2] === undefined ? 1 : Number(match[2]);
  const weight = Math.round((before + direction * STEP) * 100) / 100;
  const written = weight === 1 ? words : `(${words}:${weight})`;
  const from = weight === 1 ? start : start + 1;
  return { text: text.slice(0, start) + written + text.slice(end), start: from, end: from + words.length };
}

function wordAt({ text, start, end }: Marked): [number, number] {
  if (start !== end) {
    const selected = text.slice(start, end);
    return [
      start + (selected.length - selected.trimStart().length),
      end - (selected.length - selected.trimEnd().length),
    ];
  }
  const isWord = (at: number): boolean => /[^\s,.:;()[\]{}]/.test(text[at] ?? " ");
  let first = start;
  let last = end;
  while (first > 0 && isWord(first - 1)) first -= 1;
  while (last < text.length && isWord(last)) last += 1;
  return [first, last];
}

/** Widened to the whole `(words:1.1)` when exactly its words are marked. */
function bracketed(text: string, start: number, end: number): [number, number] {
  const tail = /^:-?\d*\.?\d+\)/.exec(text.slice(end));
  return text[start - 1] === "(" && tail !== null ? [start - 1, end + tail[0].length] : [start, end];
}
