import fc from "fast-check";
import { expect, test } from "vitest";

import { setValue } from "./edit";
import { downstream, upstream } from "./selection";
import { neededNodes, staleNodes } from "./stale";
import { SPECS, TEXT_TO_IMAGE, anyGraph } from "./toys";

test("what a run needs is its targets and what feeds them", () => {
  expect([...neededNodes(TEXT_TO_IMAGE, SPECS, ["prompt"])].sort()).toEqual(["loader", "prompt"]);
  expect(neededNodes(TEXT_TO_IMAGE, SPECS).size).toBe(6);
});

test("after a change exactly the node and what follows is stale", () => {
  const changed = setValue(TEXT_TO_IMAGE, "sampler", "steps", 21);
  expect([...staleNodes(changed, TEXT_TO_IMAGE)].sort()).toEqual(["decode", "sampler", "save"]);
  expect(staleNodes(TEXT_TO_IMAGE, TEXT_TO_IMAGE).size).toBe(0);
});

test("upstream and downstream are each other's mirror", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const ids = [...graph.nodes.keys()];
      expect(
        ids.every((one) =>
          [...downstream(graph, new Set([one]))].every(
            (other) => other === one || upstream(graph, new Set([other])).has(one),
          ),
        ),
      ).toBe(true);
    }),
  );
});
