import fc from "fast-check";
import { expect, test } from "vitest";

import { connect, disconnect, setState, setValue } from "./edit";
import { SPECS, TEXT_TO_IMAGE, anyGraph, graphWith, portOf } from "./toys";
import { validate } from "./validate";
import { graphOf, nodeOf } from "./workflow";

const FILES = new Map([["checkpoints", ["a.safetensors"]]]);
const codes = (graph: typeof TEXT_TO_IMAGE) =>
  validate(graph, SPECS, FILES).map(({ code, node, input, warning }) => [code, node, input, warning]);

test("text to image has no problem", () => {
  expect(validate(TEXT_TO_IMAGE, SPECS, FILES)).toEqual([]);
});

test("any graph can be checked", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      expect(validate(graph, SPECS, FILES).every((problem) => problem.message.endsWith("."))).toBe(true);
    }),
  );
});

test.each([
  [
    "a required input without a link",
    disconnect(TEXT_TO_IMAGE, portOf("sampler.model")),
    "missing_input",
    "sampler",
    "model",
  ],
  [
    "a number beyond its limits",
    setValue(TEXT_TO_IMAGE, "sampler", "steps", 101),
    "value_out_of_range",
    "sampler",
    "steps",
  ],
  [
    "a fraction where a whole number belongs",
    setValue(TEXT_TO_IMAGE, "sampler", "steps", 1.5),
    "wrong_kind",
    "sampler",
    "steps",
  ],
  [
    "a seed beyond 64 bits",
    setValue(TEXT_TO_IMAGE, "sampler", "seed", 2n ** 64n),
    "value_out_of_range",
    "sampler",
    "seed",
  ],
  [
    "an option that is none",
    setValue(TEXT_TO_IMAGE, "sampler", "sampler_name", "oiler"),
    "not_an_option",
    "sampler",
    "sampler_name",
  ],
  [
    "a file that is not there",
    setValue(TEXT_TO_IMAGE, "loader", "ckpt_name", "b"),
    "missing_file",
    "loader",
    "ckpt_name",
  ],
  [
    "a link of the wrong type",
    connect(TEXT_TO_IMAGE, portOf("loader.VAE"), portOf("sampler.model")),
    "type_mismatch",
    "sampler",
    "model",
  ],
  [
    "what a node that is off would give",
    setState(TEXT_TO_IMAGE, ["empty"], "off"),
    "missing_input",
    "sampler",
    "latent_image",
  ],
])("%s is found", (_, graph, code, node, input) => {
  expect(codes(graph)).toEqual([[code, node, input, false]]);
});

test("a circle is named", () => {
  const graph = graphWith(
    { a: "ImageInvert", b: "ImageInvert", s: "SaveImage" },
    "a.IMAGE > b.image",
    "b.IMAGE > a.image",
    "b.IMAGE > s.images",
  );
  expect(validate(graph, SPECS, FILES).map((problem) => problem.message)).toEqual([
    "These nodes feed one another in a circle: a → b → a.",
  ]);
});

test("a fault that no run needs is a warning", () => {
  const graph = graphWith({ lost: "VAEDecode" });
  expect(validate(graph, SPECS, FILES).every((problem) => problem.warning)).toBe(true);
});

test("a node of an unknown type is named, with its pack", () => {
  const graph = graphOf({ nodes: new Map([["x", nodeOf("Sharpen", { pack: "film" })]]) });
  expect(validate(graph, SPECS, FILES)[0]?.hint).toContain('"film"');
});

test("a skipped node passes on what it was given", () => {
  const graph = graphWith(
    { a: "EmptyLatentImage", d: "VAEDecode", l: "CheckpointLoaderSimple", i: "ImageInvert", s: "SaveImage" },
    "a.LATENT > d.samples",
    "l.VAE > d.vae",
    "d.IMAGE > i.image",
    "i.IMAGE > s.images",
  );
  expect(validate(setState(graph, ["i"], "skipped"), SPECS, FILES)).toEqual([]);
});
