import { expect, test } from "vitest";

import { addNode, freeNodeId, move, newNode, remove, rename } from "../model/edit";
import { selectionOf } from "../model/selection";
import { TEXT_TO_IMAGE, toy } from "../model/toys";
import { graphOf, nodeOf, workflowOf } from "../model/workflow";
import { memoryShelf } from "./environment";
import { world } from "./toys";

const picture = workflowOf({ ...TEXT_TO_IMAGE, title: "Picture" });
const sampler = selectionOf({ nodes: new Set(["sampler"]) });

function opened() {
  const { editor } = world();
  editor.document.open(picture);
  return editor.document;
}

test("an edit can be undone and redone, and says what it was", () => {
  const document = opened();
  document.apply("rename", (graph) => rename(graph, "sampler", "Mine"));
  expect(document.undo()).toBe("rename");
  expect(document.store.getState().workflow).toBe(picture);
  expect(document.redo()).toBe("rename");
  expect(document.store.getState().graph.nodes.get("sampler")?.title).toBe("Mine");
});

test("a drag is one step, and the next drag another", () => {
  const document = opened();
  const drag = (by: number) =>
    document.apply("move", (graph) => move(graph, sampler, [by, 0]), { merge: "move" });
  drag(1);
  drag(2);
  document.settle();
  drag(4);
  document.undo();
  expect(document.store.getState().graph.nodes.get("sampler")?.position).toEqual([3, 0]);
});

test("an edit may say what is selected after it", () => {
  const document = opened();
  document.apply("add", (graph) => {
    const id = freeNodeId(graph, "KSampler");
    return {
      graph: addNode(graph, id, newNode(toy("KSampler"), [0, 0])),
      selection: selectionOf({ nodes: new Set([id]) }),
    };
  });
  expect([...document.store.getState().selection.nodes]).toEqual(["sampler_2"]);
});

test("what is gone is not selected any more", () => {
  const document = opened();
  document.select(sampler);
  document.apply("remove", (graph) => remove(graph, sampler));
  expect(document.store.getState().selection.nodes.size).toBe(0);
});

test("a document is dirty until it is as it was", () => {
  const document = opened();
  document.apply("rename", (graph) => rename(graph, "sampler", "Mine"));
  expect(document.store.getState().dirty).toBe(true);
  document.undo();
  expect(document.store.getState().dirty).toBe(false);
});

test("an edit does not redraw the tabs", () => {
  const document = opened();
  document.apply("rename", (graph) => rename(graph, "sampler", "A"));
  const { tabs } = document.store.getState();
  document.apply("rename", (graph) => rename(graph, "sampler", "B"));
  expect(document.store.getState().tabs).toBe(tabs);
});

test("opening takes the place of an empty tab", () => {
  expect(
    opened()
      .store.getState()
      .tabs.map((tab) => tab.title),
  ).toEqual(["Picture"]);
});

test("a closed tab can be opened again with its unsaved work", () => {
  const document = opened();
  document.apply("rename", (graph) => rename(graph, "sampler", "Mine"));
  document.close(document.store.getState().key);
  expect(document.store.getState().graph.nodes.size).toBe(0);
  document.reopen();
  expect(document.store.getState().graph.nodes.get("sampler")?.title).toBe("Mine");
  expect(document.store.getState().dirty).toBe(true);
});

test("after a reload everything open is there again", async () => {
  const [local, session] = [memoryShelf(), memoryShelf()];
  const before = world(local, session).editor.document;
  before.open(picture);
  const other = before.open(workflowOf({ ...TEXT_TO_IMAGE, title: "Other" }));
  before.apply("rename", (graph) => rename(graph, "sampler", "Mine"));
  before.flush();
  const after = world(local, session).editor.document;
  expect(await after.restore()).toBe(true);
  expect(after.store.getState().tabs.map((tab) => tab.title)).toEqual(["Picture", "Other"]);
  expect(after.store.getState().key).toBe(other);
  expect(after.store.getState().graph.nodes.get("sampler")?.title).toBe("Mine");
});

test("two tabs of the browser never write into one draft", async () => {
  const [local, taken] = [memoryShelf(), new Set<string>()];
  const one = world(local, memoryShelf(), taken).editor.document;
  const key = one.open(picture);
  one.flush();
  const two = world(local, memoryShelf(), taken).editor.document;
  expect(await two.restore()).toBe(true);
  expect(two.store.getState().title).toBe("Picture");
  expect(two.store.getState().key).not.toBe(key);
});

test("when the browser has no room, the editor says so", () => {
  const full = { ...memoryShelf(), set: () => false };
  const { document } = world(full).editor;
  document.open(picture);
  document.flush();
  expect(document.store.getState().draftsKept).toBe(false);
});

test("a draft that cannot be read is left out", async () => {
  const local = memoryShelf();
  local.set("photogram:draft:x", '{"text": "nonsense"}');
  expect(await world(local).editor.document.restore()).toBe(false);
});

test("an edit inside a subgraph is undone like any other, and removing the node leads out of it", () => {
  const inner = new Map([["sub", TEXT_TO_IMAGE]]);
  const { document } = world().editor;
  document.open(workflowOf(graphOf({ nodes: new Map([["one", nodeOf("sub")]]) }), { subgraphs: inner }));
  document.enter(["one"]);
  document.apply("rename", (graph) => rename(graph, "sampler", "Mine"));
  expect(document.store.getState().graph.nodes.get("sampler")?.title).toBe("Mine");
  document.undo();
  document.change("remove", (workflow) => ({ ...workflow, graph: graphOf() }));
  expect(document.store.getState().path).toEqual([]);
});
