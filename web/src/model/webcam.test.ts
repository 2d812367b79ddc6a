import { expect, test } from "vitest";

import { setState, setValue } from "./edit";
import { specsWith } from "./slots";
import { SPECS, graphWith, portOf } from "./toys";
import { validate } from "./validate";
import { shotsFor } from "./webcam";
import { linkOf, nodeOf, workflowOf } from "./workflow";

const NODES = { cam: "WebcamCapture", save: "SaveImage", spare: "WebcamCapture" };
const GRAPH = graphWith(NODES, "cam.IMAGE > save.images");
const SHOT = { path: [], node: "cam", input: "image" };

test("a run takes a picture with each camera that it needs", () => {
  expect(shotsFor(workflowOf(GRAPH), SPECS, null)).toEqual([SHOT]);
  expect(shotsFor(workflowOf(GRAPH), SPECS, ["spare"])).toEqual([{ ...SHOT, node: "spare" }]);
});

test("a camera that keeps its picture, or is off, takes none", () => {
  const kept = setValue(GRAPH, "cam", "capture_on_queue", false);
  const off = setState(GRAPH, ["cam"], "off");
  expect([kept, off].map((graph) => shotsFor(workflowOf(graph), SPECS, null))).toEqual([[], []]);
});

test("a camera inside of a subgraph is found, unless its picture comes from outside", () => {
  const output = { name: "IMAGE", type: "IMAGE", title: null, source: portOf("cam.IMAGE"), extra: {} };
  const fed = { name: "image", type: "WEBCAM", title: null, targets: [portOf("cam.image")], extra: {} };
  const inner = { ...graphWith({ cam: "WebcamCapture" }), outputs: [output] };
  const save = graphWith({ save: "SaveImage" });
  const nodes = new Map(save.nodes).set("inside", nodeOf("sub"));
  const outer = { ...save, nodes, links: [linkOf(portOf("inside.IMAGE"), portOf("save.images"))] };
  const shots = (held: typeof inner) => {
    const workflow = workflowOf(outer, { subgraphs: new Map([["sub", held]]) });
    return shotsFor(workflow, specsWith(workflow, SPECS), null);
  };
  expect(shots(inner)).toEqual([{ ...SHOT, path: ["inside"] }]);
  expect(shots({ ...inner, inputs: [fed] })).toEqual([]);
});

test("that nothing was captured yet is a fault only where no run takes a picture", () => {
  const messages = (graph: typeof GRAPH) =>
    validate(graph, SPECS, new Map([["input", ["a.png"]]])).map(({ node, message }) => [node, message]);
  expect(messages(GRAPH)).toEqual([]);
  const kept = setValue(GRAPH, "cam", "capture_on_queue", false);
  expect(messages(kept)).toEqual([["cam", "Nothing has been captured yet."]]);
  expect(messages(setValue(kept, "cam", "image", "a.png"))).toEqual([]);
  expect(messages(setValue(kept, "cam", "image", "gone.png"))).toEqual([
    ["cam", 'There is no file "gone.png".'],
  ]);
});
