import fc from "fast-check";
import { expect, test } from "vitest";

import * as edit from "./edit";
import { selectionOf } from "./selection";
import { TEXT_TO_IMAGE, anyEdit, faultsOf, graphWith, portOf, toy } from "./toys";
import { type Graph, graphOf } from "./workflow";

const links = (graph: Graph) =>
  graph.links.map(({ from, to }) => `${from.node}.${from.name} > ${to.node}.${to.name}`);

test("every edit leaves a valid graph", () => {
  fc.assert(
    fc.property(fc.array(anyEdit, { maxLength: 40 }), (edits) => {
      expect(edits.reduce((graph, each) => each(graph), graphOf())).toSatisfy(
        (graph: Graph) => faultsOf(graph).length === 0,
      );
    }),
  );
});

test("an input holds one link: the old one is replaced", () => {
  const graph = graphWith(
    { a: "EmptyLatentImage", b: "EmptyLatentImage", s: "KSampler" },
    "a.LATENT > s.latent_image",
  );
  expect(links(edit.connect(graph, portOf("b.LATENT"), portOf("s.latent_image")))).toEqual([
    "b.LATENT > s.latent_image",
  ]);
});

test("connecting what is connected changes nothing", () => {
  expect(edit.connect(TEXT_TO_IMAGE, portOf("loader.MODEL"), portOf("sampler.model"))).toBe(TEXT_TO_IMAGE);
});

test("removing a node removes its links and its names", () => {
  const named = edit.nameInput(TEXT_TO_IMAGE, portOf("prompt.text"), "prompt", "STRING");
  const left = edit.remove(named, selectionOf({ nodes: new Set(["prompt"]) }));
  expect([left.inputs, left.links.length, faultsOf(left)]).toEqual([[], 5, []]);
});

test.each([
  ["KSampler", "sampler"],
  ["CLIPTextEncode", "clip_text_encode"],
  ["film.Grain", "grain"],
  ["!!", "node"],
  ["VAEDecode", "vae_decode"],
])("a node of type %s is called %s", (type, id) => expect(edit.freeId(type, new Set())).toBe(id));

test("an id that is taken gets a number", () => {
  expect(edit.freeId("KSampler", new Set(["sampler", "sampler_2"]))).toBe("sampler_3");
});

test("a new node has its type's defaults, and its seed rolls", () => {
  const node = edit.newNode(toy("KSampler"), [1, 2]);
  expect([node.inputs.get("steps"), node.seeds.get("seed"), node.position]).toEqual([20, "random", [1, 2]]);
});

test("a new node that reads a file takes the first of its folder", () => {
  const folders = new Map([["checkpoints", ["a.safetensors", "b.safetensors"]]]);
  const node = edit.newNode(toy("CheckpointLoaderSimple"), [0, 0], folders);
  expect(node.inputs.get("ckpt_name")).toBe("a.safetensors");
});

test("pinned nodes stay where they are", () => {
  const pinned = edit.togglePinned(TEXT_TO_IMAGE, new Set(["save"]));
  const moved = edit.move(pinned, selectionOf({ nodes: new Set(["save", "decode"]) }), [5, 6]);
  expect([moved.nodes.get("save")?.position, moved.nodes.get("decode")?.position]).toEqual([
    [0, 0],
    [5, 6],
  ]);
});

test("skipping twice is as before", () => {
  const ids = new Set(["sampler", "decode"]);
  expect(edit.toggleState(edit.toggleState(TEXT_TO_IMAGE, ids, "skipped"), ids, "skipped")).toEqual(
    TEXT_TO_IMAGE,
  );
});

test("a value that is the same is no edit", () => {
  expect(edit.setValue(TEXT_TO_IMAGE, "sampler", "steps", 20)).toBe(TEXT_TO_IMAGE);
});
