import fc from "fast-check";
import { expect, test } from "vitest";

import { copy, duplicate, paste, readClip } from "./clipboard";
import { parse } from "./format";
import { TOP } from "./path";
import { all, selectionOf } from "./selection";
import { TEXT_TO_IMAGE, anyWorkflow, faultsOf } from "./toys";
import { type Graph, graphOf, linkKey, workflowOf } from "./workflow";

const document = workflowOf(TEXT_TO_IMAGE);
const some = selectionOf({ nodes: new Set(["sampler", "decode"]) });
const links = (graph: Graph) =>
  graph.links.map(({ from, to }) => `${from.node}.${from.name} > ${to.node}.${to.name}`).sort();

test("everything copied into an empty document is everything again", () => {
  fc.assert(
    fc.property(anyWorkflow, (workflow) => {
      const clip = readClip(copy(workflow, TOP, all(workflow.graph))) ?? workflowOf(graphOf());
      const { graph } = paste(workflowOf(graphOf()), TOP, clip, { at: null }).workflow;
      expect([...graph.nodes.keys()].sort()).toEqual([...workflow.graph.nodes.keys()].sort());
      expect(graph.links.map(linkKey).sort()).toEqual(workflow.graph.links.map(linkKey).sort());
    }),
  );
});

test("pasting leaves a valid graph and touches nothing that was there", () => {
  fc.assert(
    fc.property(anyWorkflow, anyWorkflow, fc.boolean(), (workflow, other, keepLinks) => {
      const { graph } = paste(workflow, TOP, other, { keepLinks }).workflow;
      expect(faultsOf(graph)).toEqual([]);
      expect([...workflow.graph.nodes].every(([id, node]) => graph.nodes.get(id) === node)).toBe(true);
      expect(graph.nodes.size).toBe(workflow.graph.nodes.size + other.graph.nodes.size);
    }),
  );
});

test("what is copied is readable JSON of the document's format", () => {
  expect([...parse(copy(document, TOP, some)).graph.nodes.keys()]).toEqual(["sampler", "decode"]);
});

test("pasted nodes get ids of their own, and the links among them", () => {
  const { workflow, selection } = paste(document, TOP, parse(copy(document, TOP, some)));
  expect([...selection.nodes]).toEqual(["sampler_2", "vae_decode"]);
  expect(links(workflow.graph).filter((link) => link.includes("sampler_2"))).toEqual([
    "sampler_2.LATENT > vae_decode.samples",
  ]);
});

test("pasting with links kept is fed by what fed the original", () => {
  const { workflow } = paste(document, TOP, parse(copy(document, TOP, some)), { keepLinks: true });
  expect(links(workflow.graph)).toContain("loader.MODEL > sampler_2.model");
});

test("pasting at a point puts the upper left corner there", () => {
  const { workflow } = paste(document, TOP, parse(copy(document, TOP, some)), { at: [100, 200] });
  expect(workflow.graph.nodes.get("sampler_2")?.position).toEqual([100, 200]);
});

test("a duplicate lies beside its original", () => {
  expect(duplicate(document, TOP, some).workflow.graph.nodes.get("sampler_2")?.position).toEqual([30, 30]);
});

test.each(["hello", "{", '{"nodes": []}', ""])("the text %j is no clip", (text) => {
  expect(readClip(text)).toBeNull();
});
