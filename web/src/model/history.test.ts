import fc from "fast-check";
import { expect, test } from "vitest";

import { begin, commit, redo, settle, undo } from "./history";
import { anyEdit, anyGraph } from "./toys";

test("undoing everything gives the very document one began with, redoing everything the one before", () => {
  fc.assert(
    fc.property(
      anyGraph,
      fc.array(fc.tuple(anyEdit, fc.option(fc.constantFrom("drag", "type")))),
      (start, edits) => {
        const done = edits.reduce(
          (history, [each, merge]) => commit(history, each(history.present), "edit", merge),
          begin(start),
        );
        const undone = Array.from({ length: done.past.length }).reduce<typeof done>(
          (history) => undo(history),
          done,
        );
        const redone = Array.from({ length: done.past.length }).reduce<typeof done>(
          (history) => redo(history),
          undone,
        );
        expect(undone.present).toBe(start);
        expect(redone.present).toBe(done.present);
      },
    ),
  );
});

test("edits of one gesture are one step, until it is settled", () => {
  const first = commit(commit(begin(0), 1, "move", "drag"), 2, "move", "drag");
  expect(commit(settle(first), 3, "move", "drag").past.map((step) => step.value)).toEqual([0, 2]);
});
