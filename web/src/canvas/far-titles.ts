/** Titles broken to fit: from far the width of a node changes with every turn of the wheel, so this must cost little. */

/** How wide a character is, as a part of the font size. */
export type Advance = (character: string) => number;

const ELLIPSIS = "…";

/** A title in at most so many lines of a width (in font sizes), the last one ending in "…" if words are left out. */
export function fitted(title: string, width: number, lines: number, advance: Advance): readonly string[] {
  const words = title.split(/\s+/).filter((word) => word !== "");
  const wide = (text: string) => Array.from(text, advance).reduce((sum, each) => sum + each, 0);
  const found: string[] = [];
  let line = "";
  for (const [at, word] of words.entries()) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (wide(longer) <= width) line = longer;
    else if (line !== "" && found.length + 1 < lines) {
      found.push(line);
      line = word;
    } else return [...found, cut([line, ...words.slice(at)].join(" ").trim(), width, advance)];
  }
  if (wide(line) > width) return [...found, cut(line, width, advance)];
  return line === "" ? found : [...found, line];
}

/** As many characters as fit before an ellipsis. */
function cut(text: string, width: number, advance: Advance): string {
  let room = width - advance(ELLIPSIS);
  let kept = "";
  for (const character of text) {
    room -= advance(character);
    if (room < 0) break;
    kept += character;
  }
  return kept === text ? text : `${kept.trimEnd()}${ELLIPSIS}`;
}
