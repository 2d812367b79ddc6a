import { expect, test } from "vitest";

import { layout } from "./layout";
import { TEXT_TO_IMAGE, graphWith } from "./toys";

const size = () => [100, 50] as const;

test("in an automatic layout every link leads to the right, and nothing overlaps", () => {
  const places = layout(TEXT_TO_IMAGE, new Set(TEXT_TO_IMAGE.nodes.keys()), size);
  const x = (id: string) => places.get(id)?.[0] ?? NaN;
  expect(TEXT_TO_IMAGE.links.every((link) => x(link.from.node) + 100 < x(link.to.node))).toBe(true);
  expect(new Set([...places.values()].map(String)).size).toBe(TEXT_TO_IMAGE.nodes.size);
});

test("a circle of links is laid out too", () => {
  const graph = graphWith({ a: "ImageInvert", b: "ImageInvert" }, "a.IMAGE > b.image", "b.IMAGE > a.image");
  expect(layout(graph, new Set(["a", "b"]), size).size).toBe(2);
});
