import { expect, test } from "vitest";

import { findNodes, search, searchIndex } from "./search";
import { SPECS, TEXT_TO_IMAGE } from "./toys";

const index = searchIndex(SPECS);
const types = (text: string, options = {}) => search(index, text, options).map((spec) => spec.type);

test.each([
  ["save", "SaveImage"],
  ["ksam", "KSampler"],
  ["denoise", "KSampler"],
  ["vd", "VAEDecode"],
  ["load check", "CheckpointLoaderSimple"],
  ["invert image", "ImageInvert"],
])("%s finds %s first", (text, type) => expect(types(text)[0]).toBe(type));

test("what matches nothing finds nothing", () => {
  expect(types("zzzz")).toEqual([]);
});

test("a link dragged out offers only what takes it", () => {
  expect(types("", { takes: "VAE" })).toEqual(["Switch", "VAEDecode"]);
  expect(types("", { gives: "MODEL" })).toContain("CheckpointLoaderSimple");
});

test("what was used last stands on top", () => {
  expect(types("", { recent: ["SaveImage", "KSampler"] }).slice(0, 2)).toEqual(["SaveImage", "KSampler"]);
});

test("nodes of a graph are found by title, type and id", () => {
  expect(findNodes(TEXT_TO_IMAGE.nodes, SPECS, "decode")).toEqual(["decode"]);
  expect(findNodes(TEXT_TO_IMAGE.nodes, SPECS, "encode prompt")).toEqual(["prompt"]);
});
