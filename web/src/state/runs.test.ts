import { expect, test } from "vitest";

import type { Run } from "../api/types";
import { isPictured, shownItem } from "./results";
import { IDLE, makerOf, resultsOf, statusInside, statusOf } from "./runs";
import { bodyOf, json, problem, run, started } from "./toys";

type World = Awaited<ReturnType<typeof started>>;

const EMPTY_RUN: Run = {
  id: "",
  state: "succeeded",
  title: "",
  created: 1,
  started: null,
  finished: null,
  attempt: 0,
  position: null,
  outputs: [],
  problems: [],
};

const results = ({ editor }: World) =>
  resultsOf(editor.runs.store.getState(), editor.document.store.getState().key);
const status = ({ editor }: World, node: string) =>
  statusOf(editor.runs.store.getState(), editor.document.store.getState().key, node);

async function running(): Promise<World> {
  const made = await started();
  await made.editor.submit.run();
  made.socket.say({ seq: 11, run: "r1", kind: "run_started", attempt: 1, total: 6 });
  return made;
}

test("a run sends the document, and its nodes wait", async () => {
  const made = await started();
  await made.editor.submit.run();
  const body = bodyOf(made.requests.find((request) => request.method === "POST"));
  expect(Object.keys(body)).toEqual(["workflow", "targets", "title", "front"]);
  expect(status(made, "sampler")).toEqual({ kind: "queued" });
});

test("events move a node from waiting to done", async () => {
  const made = await running();
  made.socket.say({ seq: 12, run: "r1", kind: "nodes_reused", nodes: ["loader"] });
  made.socket.say({ seq: 13, run: "r1", kind: "node_started", node: "sampler" });
  made.socket.say({ seq: 14, run: "r1", kind: "node_progress", node: "sampler", done: 3, total: 20 });
  expect(status(made, "loader")).toEqual({ kind: "reused" });
  expect(status(made, "sampler")).toEqual({ kind: "running", done: 3, total: 20, since: 1000 });
  made.socket.say({ seq: 15, run: "r1", kind: "node_finished", node: "sampler", seconds: 2.5 });
  expect(status(made, "sampler")).toEqual({ kind: "done", seconds: 2.5 });
  expect([results(made).finished, results(made).total]).toEqual([2, 6]);
});

test("what a node shows stays when the next run begins", async () => {
  const made = await running();
  const picture = { kind: "image", folder: "output", name: "a.png", width: 8, height: 8 };
  made.socket.say({ seq: 12, run: "r1", kind: "node_shown", node: "save", items: [picture] });
  made.server.set("POST /v1/runs", () => json(run("r2"), 201));
  await made.editor.submit.run();
  expect(results(made).shown.get("save")?.[0]?.name).toBe("a.png");
});

test("only the newest preview of a node is kept", async () => {
  const made = await running();
  made.socket.show({ run: "r1", node: "sampler", done: 1, total: 4, mime: "image/png" }, "one");
  made.socket.show({ run: "r1", node: "sampler", done: 2, total: 4, mime: "image/png" }, "two");
  expect(results(made).previews.get("sampler")?.done).toBe(2);
  expect(made.urls.size).toBe(1);
  made.editor.document.close(made.editor.document.store.getState().key);
  expect(made.urls.size).toBe(0);
});

test("a node that fails says why, and the others rest", async () => {
  const made = await running();
  const fault = {
    code: "node_failed",
    message: "It broke.",
    hint: "",
    node: "sampler",
    input: null,
    warning: false,
  };
  made.socket.say({ seq: 12, run: "r1", kind: "node_problem", node: "sampler", problem: fault });
  made.socket.say({
    seq: 13,
    run: "r1",
    kind: "run_finished",
    state: "failed",
    seconds: 1,
    problems: [fault],
  });
  expect(status(made, "sampler")).toMatchObject({ kind: "failed", problem: { message: "It broke." } });
  expect([status(made, "save"), results(made).problems.length, results(made).state]).toEqual([
    IDLE,
    1,
    "failed",
  ]);
});

test("events that overtake the answer are not lost", async () => {
  const made = await started();
  const answer = made.server.get("POST /v1/runs");
  made.server.set("POST /v1/runs", (request) => {
    made.socket.say({ seq: 11, run: "r1", kind: "run_started", attempt: 1, total: 6 });
    made.socket.say({ seq: 12, run: "r1", kind: "node_started", node: "loader" });
    return answer?.(request) ?? problem(500, "lost");
  });
  await made.editor.submit.run();
  expect(status(made, "loader").kind).toBe("running");
});

test("events of other people's runs do not touch the document", async () => {
  const made = await running();
  made.socket.say({ seq: 12, run: "other", kind: "node_started", node: "sampler" });
  expect(status(made, "sampler").kind).toBe("queued");
});

test("while the worker starts, the click is kept and sent later", async () => {
  const made = await started();
  const answer = made.server.get("POST /v1/runs");
  made.server.set("POST /v1/runs", () => problem(503, "starting", { "Retry-After": "1" }));
  const sent = made.editor.submit.run();
  await made.breathe();
  expect(made.editor.runs.store.getState().sending).toBe(1);
  if (answer !== undefined) made.server.set("POST /v1/runs", answer);
  await made.settle();
  expect((await sent).map((each) => each.id)).toEqual(["r1"]);
  expect(made.editor.runs.store.getState().sending).toBe(0);
});

test("a refusal puts its problems on the document", async () => {
  const made = await started();
  made.server.set("POST /v1/runs", () => problem(422, "missing_input"));
  expect(await made.editor.submit.run()).toEqual([]);
  expect(results(made).problems.map((each) => each.code)).toEqual(["missing_input"]);
});

test("the first run uses the seed that is shown, each further one its own", async () => {
  const made = await started();
  await made.editor.submit.run({ times: 3 });
  const seeds = made.requests
    .filter((request) => request.method === "POST")
    .map((request) => /"seed":(\d+)/.exec(request.body)?.[1]);
  expect(seeds[0]).toBe("0");
  expect(new Set(seeds).size).toBe(3);
  expect(made.editor.document.store.getState().graph.nodes.get("sampler")?.inputs.get("seed")).toBe(
    Number(seeds[2]),
  );
});

test("running up to a node needs only what feeds it", async () => {
  const made = await started();
  await made.editor.submit.runTo("prompt");
  expect([...results(made).nodes.keys()].sort()).toEqual(["loader", "prompt"]);
  expect(bodyOf(made.requests.find((request) => request.method === "POST")).targets).toEqual(["prompt"]);
});

test("what runs now can be stopped, also while the list still names a run that has ended", async () => {
  const made = await started();
  const running = (id: string) => json({ items: [run(id, { state: "running" })], next: null });
  made.server.set("GET /v1/runs", () => running("r0"));
  await made.editor.runs.refresh();
  made.server.set("GET /v1/runs", () => running("r1"));
  made.server.set("POST /v1/runs/r1/cancel", () => json(run("r1", { state: "cancelled" })));
  await made.editor.submit.cancelCurrent();
  expect(made.requests.at(-1)?.path).toBe("/v1/runs/r1/cancel");
});

test("after a reload the pictures of the last run are there again", async () => {
  const made = await running();
  made.editor.document.flush();
  const output = {
    node: "save",
    items: [{ kind: "image", folder: "output", name: "a.png", width: 8, height: 8, text: "" }],
  };
  const again = await started(made.environment.local, made.environment.session);
  again.server.set("GET /v1/runs/r1", () => json(run("r1", { state: "succeeded", outputs: [output] })));
  again.socket.say({ kind: "resync", seq: 40 });
  await again.breathe();
  expect(results(again).shown.get("save")?.[0]?.name).toBe("a.png");
});

test("a picture is of the run that made it, also where a newer run has a node of that id", () => {
  const made = (id: string, folder: "output" | "temp", name: string): Run => {
    const items = [{ kind: "image" as const, folder, name, width: 8, height: 8, text: "" }];
    return { ...EMPTY_RUN, id, outputs: [{ node: "save", items }] };
  };
  const list = [made("r3", "temp", "a.png"), made("r2", "output", "b.png"), made("r1", "output", "a.png")];
  const find = (folder: "output" | "temp", name: string) =>
    makerOf(list, { kind: "image", folder, name, width: 8, height: 8, text: "" });
  expect([find("output", "a.png"), find("temp", "a.png"), find("output", "c.png")]).toEqual([
    "r1",
    "r3",
    null,
  ]);
});

test("a subgraph shows what the nodes inside it do", () => {
  const inside = new Map([
    ["a:x", { kind: "reused" }],
    ["a:y", { kind: "running", done: 1, total: 2, since: 0 }],
    ["b", IDLE],
  ] as const);
  expect(statusInside(inside, "a").kind).toBe("running");
  expect(statusInside(inside, "c")).toBe(IDLE);
});

test("what a node shows is a picture, a video, a file or a text, and a kind of later versions is its text", () => {
  const kinds = ["image", "video", "file", "text", "hologram"].map((kind) => shownItem({ kind }).kind);
  expect(kinds).toEqual(["image", "video", "file", "text", "text"]);
  expect(["image", "video", "file", "text"].map((kind) => isPictured(shownItem({ kind })))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
