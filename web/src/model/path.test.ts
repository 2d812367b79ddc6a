import { expect, test } from "vitest";

import { setValue } from "./edit";
import { existingPath, graphAt, placeOf, runId, withGraphAt } from "./path";
import { specsWith } from "./slots";
import { SPECS, TEXT_TO_IMAGE, portOf } from "./toys";
import { graphOf, nodeOf, workflowOf } from "./workflow";

const inner = {
  ...TEXT_TO_IMAGE,
  title: "Picture",
  inputs: [{ name: "steps", targets: [portOf("sampler.steps")], type: "*", title: null, extra: {} }],
};
const outer = workflowOf(graphOf({ nodes: new Map([["one", nodeOf("sub")]]) }), {
  subgraphs: new Map([["sub", inner]]),
});

test("an edit inside a subgraph changes the document", () => {
  const changed = withGraphAt(outer, ["one"], setValue(graphAt(outer, ["one"]), "sampler", "steps", 3));
  expect(changed.subgraphs.get("sub")?.nodes.get("sampler")?.inputs.get("steps")).toBe(3);
  expect(runId(["one"], "sampler")).toBe("one:sampler");
});

test("a subgraph is a node type with the widgets of what it names", () => {
  const spec = specsWith(outer, SPECS).get("sub");
  expect([spec?.title, spec?.inputs[0]?.type, spec?.inputs[0]?.default]).toEqual(["Picture", "INT", 20]);
});

test("a path ends where it leads nowhere", () => {
  expect(existingPath(outer, ["one", "sampler", "x"])).toEqual(["one"]);
  expect(existingPath(outer, ["gone"])).toEqual([]);
});

test("a run's name for a node leads to its place, also where ids hold a colon", () => {
  const named = { ...outer, graph: graphOf({ nodes: new Map([["a:b", nodeOf("sub")]]) }) };
  expect(placeOf(outer, "one:sampler")).toEqual({ path: ["one"], node: "sampler" });
  expect(placeOf(named, "a:b:sampler")).toEqual({ path: ["a:b"], node: "sampler" });
  expect(placeOf(outer, "one:nothing")).toBeNull();
});
