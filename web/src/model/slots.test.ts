import { expect, test } from "vitest";

import { setValue } from "./edit";
import { slotsIn } from "./slots";
import { SPECS, graphWith } from "./toys";

test("a growing row has one free place more than is used", () => {
  const graph = graphWith({ a: "VAEDecode", j: "JoinImages" }, "a.IMAGE > j.images.image0");
  expect(slotsIn(graph, "j", SPECS).map(({ name, spare }) => [name, spare])).toEqual([
    ["images.image0", false],
    ["images.image1", true],
  ]);
});

test("a growing row ends at its most", () => {
  const graph = graphWith({ a: "VAEDecode", j: "JoinImages" }, "a.IMAGE > j.images.image3");
  expect(slotsIn(graph, "j", SPECS).map((slot) => slot.spare)).toEqual([false, false, false, false]);
});

test("a choice brings the inputs of its option", () => {
  const graph = setValue(graphWith({ r: "Resize" }), "r", "mode", "to");
  expect(slotsIn(graph, "r", SPECS).map((slot) => slot.name)).toEqual(["image", "mode", "mode.width"]);
});
