import { expect, test } from "vitest";

import { changeNode } from "../model/edit";
import { SPECS, graphWith } from "../model/toys";
import { createFigures } from "./anatomy";

const graph = changeNode(
  graphWith(
    { sampler: "KSampler", strange: "ImageInvert", decode: "VAEDecode" },
    "sampler.LATENT > strange.in",
    "strange.out > decode.samples",
  ),
  "strange",
  (node) => ({ ...node, type: "Nobody knows" }),
);

test("the sockets of an unknown node have the types that the other ends have", () => {
  const figures = createFigures();
  const { spec, lost } = figures.figure(graph, "strange", SPECS) ?? {};
  expect(lost).toBe(true);
  expect(spec?.inputs.map(({ name, type }) => [name, type])).toEqual([["in", "LATENT"]]);
  expect(spec?.outputs.map(({ name, type }) => [name, type])).toEqual([["out", "LATENT"]]);
  expect(figures.outputType(graph, "strange", "out", SPECS)).toBe("LATENT");
});

test("once the nodes are known, so are the types that were not", () => {
  const figures = createFigures();
  expect(figures.figure(graph, "strange", new Map())?.spec.inputs[0]?.type).toBe("*");
  expect(figures.figure(graph, "strange", SPECS)?.spec.inputs[0]?.type).toBe("LATENT");
});
