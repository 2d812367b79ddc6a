import { expect, test } from "vitest";

import { align, distribute } from "./arrange";
import { place } from "./edit";
import { TEXT_TO_IMAGE } from "./toys";

const size = () => [100, 50] as const;

test("aligned nodes share an edge", () => {
  const spread = place(
    TEXT_TO_IMAGE,
    new Map([
      ["loader", [40, 7]],
      ["save", [90, 3]],
    ]),
  );
  expect([...align(spread, ["loader", "save"], "right", size).values()]).toEqual([
    [90, 7],
    [90, 3],
  ]);
});

test("distributed nodes have equal gaps", () => {
  const spread = place(
    TEXT_TO_IMAGE,
    new Map([
      ["loader", [0, 0]],
      ["prompt", [110, 0]],
      ["save", [400, 0]],
    ]),
  );
  expect(distribute(spread, ["loader", "prompt", "save"], "across", size).get("prompt")).toEqual([200, 0]);
});
