import { expect, test } from "vitest";

import { setValue } from "./edit";
import { nextSeed, rollSeeds, seedLimits } from "./seeds";
import { inputOf, widgetOf } from "./spec";
import { SPECS, TEXT_TO_IMAGE } from "./toys";
import { workflowOf } from "./workflow";

const seed = inputOf("seed", "INT", { widget: widgetOf("seed", { low: 0, high: 2 ** 64 }) });

test("a seed may be any 64 bits", () => {
  expect(seedLimits(seed)).toEqual([0n, 2n ** 64n - 1n]);
  expect(nextSeed(0, "random", seed, () => 2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
});

test("a seed counts over the edge of exact numbers, and around", () => {
  expect(nextSeed(2 ** 53 - 1, "increment", seed, () => 0n)).toBe(2n ** 53n);
  expect(nextSeed(2n ** 53n, "decrement", seed, () => 0n)).toBe(2 ** 53 - 1);
  expect(nextSeed(2n ** 64n - 1n, "increment", seed, () => 0n)).toBe(0);
});

test("the first run uses the seed that is shown, the next rolls it", () => {
  const first = rollSeeds(workflowOf(TEXT_TO_IMAGE), SPECS, new Map(), () => 7n);
  const second = rollSeeds(first.workflow, SPECS, first.used, () => 7n);
  expect(first.workflow.graph).toBe(TEXT_TO_IMAGE);
  expect(second.workflow.graph.nodes.get("sampler")?.inputs.get("seed")).toBe(7);
});

test("a seed set by hand is used before it rolls again", () => {
  const { used } = rollSeeds(workflowOf(TEXT_TO_IMAGE), SPECS, new Map(), () => 7n);
  const edited = workflowOf(setValue(TEXT_TO_IMAGE, "sampler", "seed", 99));
  expect(rollSeeds(edited, SPECS, used, () => 7n).workflow).toBe(edited);
});
