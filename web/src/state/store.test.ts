import { expect, test } from "vitest";

import { setTitle } from "../model/edit";
import { serialise, toJson } from "../model/format";
import { TEXT_TO_IMAGE } from "../model/toys";
import { workflowOf } from "../model/workflow";
import { memoryShelf } from "./environment";
import { bodyOf, json, problem, started, world } from "./toys";

test("the first page ever opens the text to image template, not dirty", async () => {
  const { editor } = await started();
  expect(editor.document.store.getState().graph.nodes.size).toBe(6);
  expect(editor.document.store.getState().dirty).toBe(false);
});

test("the catalog and the file lists are there once the server answered", async () => {
  const { editor } = await started();
  const { phase, specs, folders } = editor.catalog.store.getState();
  expect([phase, specs.has("KSampler"), folders.get("checkpoints")]).toEqual([
    "ready",
    true,
    ["a.safetensors"],
  ]);
});

test("while the worker starts, the catalog is asked for again", async () => {
  const made = world();
  const answer = made.server.get("GET /v1/nodes");
  made.server.set("GET /v1/nodes", () => problem(503, "starting", { "Retry-After": "1" }));
  await made.editor.catalog.refresh();
  expect(made.editor.catalog.store.getState().phase).toBe("starting");
  if (answer !== undefined) made.server.set("GET /v1/nodes", answer);
  await made.settle();
  expect(made.editor.catalog.store.getState().phase).toBe("ready");
});

test("a lost connection goes on after the last event", async () => {
  const { editor, server, socket, sockets, settle } = await started();
  server.set("GET /v1/system", () => json({ worker: "ready", reason: "", seq: 18 }));
  socket.say({ seq: 17, kind: "queue_changed", queued: 2, running: 1 });
  socket.close();
  expect(editor.connection.store.getState().state).toBe("lost");
  await settle();
  expect(sockets.map((each) => each.path)).toEqual(["/v1/events?after=10", "/v1/events?after=17"]);
});

test("a server that knows fewer events than the page is read afresh", async () => {
  const { socket, sockets, requests, settle } = await started();
  socket.say({ seq: 17, kind: "queue_changed", queued: 0, running: 0 });
  requests.length = 0;
  socket.close();
  await settle();
  expect(sockets.at(-1)?.path).toBe("/v1/events?after=10");
  expect(requests.map(({ path }) => path)).toContain("/v1/runs");
});

test("without a server the attempts go on, further and further apart", async () => {
  const made = world();
  made.server.set("GET /v1/system", () => problem(502, "away"));
  await made.editor.start();
  await made.breathe();
  expect(made.editor.connection.store.getState()).toMatchObject({ state: "lost", retryAt: 1250 });
  await made.settle();
  expect(made.editor.connection.store.getState().retryAt).toBeGreaterThan(1250);
});

test("a document without a name asks for one", async () => {
  const { editor } = await started();
  expect(await editor.files.save()).toEqual({ kind: "nameless" });
});

test("saving names the revision it grew from, and keeps the new one", async () => {
  const { editor, server, requests } = await started();
  server.set("PUT /v1/workflows/mine", () => json({}, 200, { ETag: '"2"' }));
  await editor.files.save({ name: "mine" });
  editor.document.apply("rename", (graph) => setTitle(graph, "Mine"));
  expect(editor.document.store.getState().dirty).toBe(true);
  expect(await editor.files.save()).toEqual({ kind: "saved", name: "mine" });
  const guards = requests
    .filter(({ method }) => method === "PUT")
    .map(({ headers }) => headers.get("If-Match") ?? headers.get("If-None-Match"));
  expect(guards).toEqual(["*", '"2"']);
  expect(editor.document.store.getState().dirty).toBe(false);
});

test("a document changed elsewhere is not overwritten unasked", async () => {
  const { editor, server } = await started();
  server.set("PUT /v1/workflows/mine", ({ headers }) =>
    headers.get("If-Match") === '"7"' ? json({}) : problem(412, "changed_elsewhere"),
  );
  server.set("GET /v1/workflows/mine", () => json({}, 200, { ETag: '"7"' }));
  expect(await editor.files.save({ name: "mine" })).toEqual({ kind: "conflict", name: "mine" });
  expect(editor.document.store.getState().name).toBeNull();
  expect(await editor.files.save({ name: "mine", overwrite: true })).toEqual({ kind: "saved", name: "mine" });
});

test("a workflow that is open already comes to the front", async () => {
  const { editor, server } = await started();
  server.set(
    "GET /v1/workflows/mine",
    () => new Response(serialise(workflowOf(TEXT_TO_IMAGE)), { headers: { ETag: '"1"' } }),
  );
  await editor.files.open("mine");
  editor.document.blank();
  await editor.files.open("mine");
  expect(editor.document.store.getState().name).toBe("mine");
  expect(editor.document.store.getState().tabs.length).toBe(3);
});

test("an imported file opens as unsaved work, and what was lost is told", async () => {
  const { editor, server } = await started();
  const fault = { code: "x", message: "A hook is gone.", hint: "", node: null, input: null, warning: true };
  server.set("POST /v1/import", () =>
    json({ workflow: toJson(workflowOf(TEXT_TO_IMAGE)), source: "ui", problems: [fault] }),
  );
  expect(await editor.files.import(new Blob(["{}"]), "their flow.json")).toBe(true);
  expect(editor.document.store.getState()).toMatchObject({ title: "their flow", dirty: true });
  expect(editor.notices.store.getState().notices.map((notice) => notice.text)).toEqual(["A hook is gone."]);
});

test("a run's document replaces the present one as one step", async () => {
  const { editor, server } = await started();
  server.set(
    "GET /v1/runs/r9/workflow",
    () => new Response(serialise(workflowOf({ ...TEXT_TO_IMAGE, title: "Then" }))),
  );
  await editor.files.restoreRun("r9");
  expect(editor.document.store.getState().title).toBe("Then");
  editor.document.undo();
  expect(editor.document.store.getState().title).not.toBe("Then");
});

test("a file that is no workflow is refused in a sentence", async () => {
  const { editor, server } = await started();
  server.set("GET /v1/workflows/odd", () => new Response("{}"));
  expect(await editor.files.open("odd")).toBe(false);
  expect(editor.notices.store.getState().notices[0]?.text).toContain("not a Photogram workflow");
});

test("settings survive a restart, and nonsense in their place does not hurt", () => {
  const local = memoryShelf();
  const { settings } = world(local).editor;
  settings.set({ theme: "dark", keys: { run: "Ctrl+R" } });
  settings.used("KSampler");
  expect(world(local).editor.settings.store.getState()).toMatchObject({
    theme: "dark",
    recent: ["KSampler"],
    keys: { run: "Ctrl+R" },
  });
  local.set("photogram:settings", "[1");
  expect(world(local).editor.settings.store.getState().theme).toBe("system");
});

test("a seed beyond 2^53 reaches the server as it is", async () => {
  const { editor, requests } = await started();
  const seeded = { ...TEXT_TO_IMAGE, nodes: new Map(TEXT_TO_IMAGE.nodes) };
  editor.document.apply("seed", () => ({
    graph: seeded,
    selection: editor.document.store.getState().selection,
  }));
  editor.document.apply("seed", (graph) => {
    const node = graph.nodes.get("sampler");
    if (node === undefined) return graph;
    const inputs = new Map(node.inputs).set("seed", 18446744073709551615n);
    return { ...graph, nodes: new Map(graph.nodes).set("sampler", { ...node, inputs }) };
  });
  await editor.submit.run();
  const request = requests.find(({ method }) => method === "POST");
  expect(request?.body).toContain('"seed":18446744073709551615');
  expect(bodyOf(request).title).toBe("Untitled");
});
