import fc from "fast-check";
import { expect, test } from "vitest";

import { fitted } from "./far-titles";

const even = () => 0.5;
const wide = (line: string) => Array.from(line).length * 0.5;

test("a title that fits stays in one line, a longer one breaks between words", () => {
  expect(fitted("Load Checkpoint", 8, 2, even)).toEqual(["Load Checkpoint"]);
  expect(fitted("Load Checkpoint", 6, 2, even)).toEqual(["Load", "Checkpoint"]);
});

test("what does not fit into the last line ends in an ellipsis", () => {
  expect(fitted("Load Checkpoint", 4, 1, even)).toEqual(["Load Ch…"]);
  expect(fitted("Checkpoint", 3, 2, even)).toEqual(["Check…"]);
});

test("no line is wider than the room there is, and there are no more lines than asked for", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 3 }),
      (title, width, most) => {
        const lines = fitted(title, width, most, even);
        return lines.length <= most && lines.every((line) => wide(line) <= width);
      },
    ),
  );
});
