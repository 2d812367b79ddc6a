import { expect, test } from "vitest";

import { disconnect, setValue } from "./edit";
import { specsWith } from "./slots";
import { SPECS, TEXT_TO_IMAGE, portOf } from "./toys";
import { validateAll } from "./validate-all";
import { graphOf, nodeOf, workflowOf } from "./workflow";

const FILES = new Map([["checkpoints", ["a.safetensors"]]]);

function faults(inner: typeof TEXT_TO_IMAGE): readonly (string | null)[][] {
  const workflow = workflowOf(graphOf({ nodes: new Map([["one", nodeOf("sub")]]) }), {
    subgraphs: new Map([["sub", inner]]),
  });
  const found = validateAll(workflow, specsWith(workflow, SPECS), FILES);
  return found.map(({ code, node, input }) => [code, node, input]);
}

test("a fault inside of a subgraph is named as a run names it", () => {
  expect(faults(setValue(TEXT_TO_IMAGE, "sampler", "steps", 101))).toContainEqual([
    "value_out_of_range",
    "one:sampler",
    "steps",
  ]);
});

test("what comes from outside of a subgraph is not missing inside", () => {
  const open = disconnect(TEXT_TO_IMAGE, portOf("sampler.model"));
  const fed = { name: "model", targets: [portOf("sampler.model")], type: "MODEL", title: null, extra: {} };
  expect(faults(open)).toContainEqual(["missing_input", "one:sampler", "model"]);
  expect(faults({ ...open, inputs: [fed] })).not.toContainEqual(["missing_input", "one:sampler", "model"]);
});
