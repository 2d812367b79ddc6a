import { expect, test } from "vitest";

import { addNode, newNode } from "./edit";
import { SPECS, TEXT_TO_IMAGE, graphWith, portOf, toy } from "./toys";
import { insertIntoLink, passages, removeHealed } from "./wiring";
import { type Graph, linkInto } from "./workflow";

const links = (graph: Graph) =>
  graph.links.map(({ from, to }) => `${from.node}.${from.name} > ${to.node}.${to.name}`);

test("removing and healing connects what the node stood between", () => {
  const graph = graphWith(
    { a: "VAEDecode", i: "ImageInvert", j: "ImageInvert", s: "SaveImage" },
    "a.IMAGE > i.image",
    "i.IMAGE > j.image",
    "j.IMAGE > s.images",
  );
  expect(links(removeHealed(graph, new Set(["i", "j"]), SPECS))).toEqual(["a.IMAGE > s.images"]);
});

test("a node put into a link takes what came and gives what went", () => {
  const graph = addNode(TEXT_TO_IMAGE, "invert", newNode(toy("ImageInvert"), [0, 0]));
  const link = linkInto(graph, portOf("save.images"));
  const inserted = link === undefined ? graph : insertIntoLink(graph, "invert", link, SPECS);
  expect(links(inserted)).toEqual(
    expect.arrayContaining(["decode.IMAGE > invert.image", "invert.IMAGE > save.images"]),
  );
});

test("a node that does not fit a link leaves the graph as it is", () => {
  const graph = addNode(TEXT_TO_IMAGE, "other", newNode(toy("CLIPTextEncode"), [0, 0]));
  const link = linkInto(graph, portOf("save.images"));
  expect(link && insertIntoLink(graph, "other", link, SPECS)).toBe(graph);
});

test("a skipped node is passed by along its types", () => {
  const graph = graphWith({ a: "VAEDecode", i: "ImageInvert" }, "a.IMAGE > i.image");
  expect(passages(graph, "i", SPECS)).toEqual([{ input: "image", output: "IMAGE" }]);
});
