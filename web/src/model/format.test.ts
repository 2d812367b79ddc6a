import fc from "fast-check";
import { expect, test } from "vitest";

import { UnreadableWorkflow, parse, serialise } from "./format";
import { readJson, sameJson, writeJson } from "./json";
import { anyJson, anyWorkflow } from "./toys";
import { type Graph, type Workflow, graphOf, linkKey, linkOf, nodeOf, workflowOf } from "./workflow";

/** The order of links says nothing: the text groups them by node. */
function inOrder(workflow: Workflow): Workflow {
  const sorted = (graph: Graph) => ({
    ...graph,
    links: graph.links.toSorted((one, other) => (linkKey(one) < linkKey(other) ? -1 : 1)),
  });
  const subgraphs = new Map([...workflow.subgraphs].map(([id, graph]) => [id, sorted(graph)]));
  return { ...workflow, graph: sorted(workflow.graph), subgraphs };
}

test("reading what was written gives the same document", () => {
  fc.assert(
    fc.property(anyWorkflow, (workflow) => {
      expect(inOrder(parse(serialise(workflow)))).toEqual(inOrder(workflow));
    }),
  );
});

test("reading what was written gives the same JSON, whole numbers of any size included", () => {
  fc.assert(
    fc.property(anyJson, fc.constantFrom(0, 2), (data, indent) => {
      expect(sameJson(readJson(writeJson(data, indent)), data)).toBe(true);
    }),
  );
});

test("what is written is what JSON.parse reads", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(writeJson(readJson(text)))).toEqual(JSON.parse(text));
    }),
  );
});

test("the largest seed keeps its last digit", () => {
  const text = '{"format": 1, "nodes": {"a": {"type": "T", "inputs": {"seed": 18446744073709551615}}}}';
  expect(serialise(parse(text))).toContain("18446744073709551615");
});

test("a key that every object inherits is plain data, and the prototype stays as it was", () => {
  const text =
    '{"format": 1, "nodes": {"__proto__": {"type": "T", "inputs": {"__proto__": 1, "constructor": 2}}}}';
  expect(parse(text).graph.nodes.get("__proto__")?.inputs.get("constructor")).toBe(2);
  expect(serialise(parse(text))).toContain('"__proto__"');
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test("a wired input keeps the value its widget had", () => {
  const node = nodeOf("T", { inputs: new Map([["steps", 20]]) });
  const link = linkOf({ node: "a", name: "INT" }, { node: "b", name: "steps" }, { colour: "red" });
  const workflow = workflowOf(
    graphOf({
      nodes: new Map([
        ["a", nodeOf("U")],
        ["b", node],
      ]),
      links: [link],
    }),
  );
  expect(parse(serialise(workflow))).toEqual(workflow);
});

test("a value that is an object is told from a link", () => {
  const workflow = workflowOf(
    graphOf({ nodes: new Map([["a", nodeOf("T", { inputs: new Map([["table", { link: 1 }]]) })]]) }),
  );
  expect(parse(serialise(workflow))).toEqual(workflow);
});

test.each([
  ["{}", "names no format"],
  ['{"format": 2}', "Update Photogram"],
  ['{"format": 1, "knots": {}}', '"knots"'],
  ['{"format": 1, "nodes": {"a": {}}}', "Node a has no type"],
  ['{"format": 1, "nodes": {"a": {"type": "T", "inputs": {"x": {"link": ["b"]}}}}}', "a pair"],
  ['{"format": 1, "nodes": {"a": {"type": "T", "state": "dim"}}}', "one of on, skipped, off"],
])("%s is refused, and the message says why", (text, reason) => {
  expect(() => parse(text)).toThrow(UnreadableWorkflow);
  expect(() => parse(text)).toThrow(reason);
});

test("text that is no JSON is refused in a sentence", () => {
  expect(() => parse("hello")).toThrow("This is not valid JSON");
});
