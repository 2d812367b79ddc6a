import { expect, test } from "vitest";

import { addNode, newNode } from "./edit";
import { checkLink, converter, fits, fittingInput, inputsFor, outputType, outputsFor } from "./sockets";
import { SPECS, TEXT_TO_IMAGE, graphWith, portOf, toy } from "./toys";

test.each([
  ["IMAGE", "IMAGE", true],
  ["IMAGE", "LATENT", false],
  ["*", "LATENT", true],
  ["IMAGE", "*", true],
  ["IMAGE,MASK", "MASK,LATENT", true],
  ["INT", "FLOAT", true],
  ["FLOAT", "INT", false],
  ["STRING", "COMBO", true],
  ["COMBO", "STRING", false],
  ["film.Grain", "film.Grain", true],
])("%s into %s: %s", (given, wanted, answer) => {
  expect(fits(given, wanted)).toBe(answer);
});

test("a link that does not fit is refused with both types", () => {
  expect(checkLink(TEXT_TO_IMAGE, portOf("loader.VAE"), portOf("sampler.model"), SPECS)).toEqual({
    ok: false,
    reason: "model needs MODEL, this is VAE.",
  });
});

test("a circle is refused", () => {
  const graph = graphWith({ a: "ImageInvert", b: "ImageInvert" }, "a.IMAGE > b.image");
  expect(checkLink(graph, portOf("b.IMAGE"), portOf("a.image"), SPECS).ok).toBe(false);
  expect(checkLink(graph, portOf("a.IMAGE"), portOf("a.image"), SPECS).ok).toBe(false);
});

test("sockets that share a template take the type of what is connected", () => {
  const graph = graphWith({ a: "EmptyLatentImage", s: "Switch", i: "ImageInvert" }, "a.LATENT > s.on_true");
  expect(outputType(graph, portOf("s.output"), SPECS)).toBe("LATENT");
  expect(checkLink(graph, portOf("s.output"), portOf("i.image"), SPECS).ok).toBe(false);
  expect(checkLink(graph, portOf("i.IMAGE"), portOf("s.on_false"), SPECS).ok).toBe(false);
});

test("an output dropped on a node feeds the first free input that takes it", () => {
  const graph = graphWith({ a: "VAEDecode", s: "Resize" });
  expect(fittingInput(graph, portOf("a.IMAGE"), "s", SPECS)).toEqual(portOf("s.image"));
});

test("what an output could feed excludes what feeds it", () => {
  const names = inputsFor(TEXT_TO_IMAGE, portOf("sampler.LATENT"), SPECS).map(
    ({ port }) => `${port.node}.${port.name}`,
  );
  expect(names).toEqual(["decode.samples"]);
});

test("what could feed an input lists unused outputs first", () => {
  const graph = addNode(TEXT_TO_IMAGE, "other", newNode(toy("VAEDecode"), [0, 0]));
  expect(outputsFor(graph, portOf("save.images"), SPECS).map(({ port, free }) => [port.node, free])).toEqual([
    ["other", true],
    ["decode", false],
  ]);
});

test("between a latent and a picture stands VAE Decode", () => {
  expect(converter("LATENT", "IMAGE", SPECS)?.type).toBe("VAEDecode");
});
