import { expect, test } from "vitest";

import { remove, setValue } from "../model/edit";
import { selectionOf } from "../model/selection";
import { graphWith } from "../model/toys";
import { type Camera, NoCamera, type NoCameraReason } from "./camera";
import { cameraKey } from "./cameras";
import { resultsOf } from "./runs";
import { bodyOf, json, started } from "./toys";

type World = Awaited<ReturnType<typeof started>>;

const GRAPH = graphWith({ cam: "WebcamCapture", save: "SaveImage" }, "cam.IMAGE > save.images");

/** A workflow with a camera in front, and the camera that the computer has. */
async function withCamera() {
  const made = await started();
  made.editor.document.blank();
  made.editor.document.apply("begin", () => GRAPH);
  const seen = { stopped: 0, end: (): void => undefined };
  const camera: Camera = {
    stream: {} as MediaStream,
    frame: () => Promise.resolve(new Blob(["picture"])),
    stop: () => void (seen.stopped += 1),
    onEnd: (run) => void (seen.end = run),
  };
  made.lens.open = () => Promise.resolve(camera);
  let count = 0;
  made.server.set("POST /v1/files", () => json({ folder: "input", name: `shot${(count += 1)}.png` }));
  const start = () => made.editor.cameras.start([], "cam");
  return { ...made, camera, seen, start };
}

function stateOf({ editor }: World): string {
  const { key, workflow } = editor.document.store.getState();
  const state = editor.cameras.store.getState().cameras.get(cameraKey(key, workflow, [], "cam") ?? "");
  return state?.kind === "failed" ? state.reason : (state?.kind ?? "off");
}

function sentPictures({ requests }: World) {
  return requests
    .filter(({ method, path }) => method === "POST" && path === "/v1/runs")
    .map((request) => JSON.stringify(bodyOf(request).workflow).match(/shot\d+\.png/g));
}

test("a camera asks, is live, and is off again", async () => {
  const made = await withCamera();
  const starting = made.start();
  expect(stateOf(made)).toBe("asking");
  await starting;
  expect(stateOf(made)).toBe("live");
  made.editor.cameras.stop([], "cam");
  expect([stateOf(made), made.seen.stopped]).toEqual(["off", 1]);
});

test.each<NoCameraReason>(["refused", "absent", "busy", "insecure"])(
  "a camera that is %s can be tried again",
  async (reason) => {
    const made = await withCamera();
    const { open } = made.lens;
    made.lens.open = () => Promise.reject(new NoCamera(reason));
    await made.start();
    expect(stateOf(made)).toBe(reason);
    made.lens.open = open;
    await made.start();
    expect(stateOf(made)).toBe("live");
  },
);

test("a camera that is unplugged is gone", async () => {
  const made = await withCamera();
  await made.start();
  made.seen.end();
  expect(stateOf(made)).toBe("absent");
});

test("the camera stops when its node is removed, another workflow comes to the front, or the page goes", async () => {
  const goes = [
    ({ editor }: World) =>
      editor.document.apply("remove", (graph) => remove(graph, selectionOf({ nodes: new Set(["cam"]) }))),
    ({ editor }: World) => editor.document.blank(),
    ({ editor }: World) => editor.stop(),
  ];
  for (const go of goes) {
    const made = await withCamera();
    await made.start();
    go(made);
    expect(made.seen.stopped).toBe(1);
  }
});

test("a camera that is allowed after its node went is not left on", async () => {
  const made = await withCamera();
  const starting = made.start();
  made.editor.document.blank();
  await starting;
  expect(made.seen.stopped).toBe(1);
});

test("each run sends a new picture, which is in the document then", async () => {
  const made = await withCamera();
  await made.start();
  await made.editor.submit.run({ times: 2 });
  expect(sentPictures(made)).toEqual([["shot1.png"], ["shot2.png"]]);
  const { graph, undoLabel } = made.editor.document.store.getState();
  expect([graph.nodes.get("cam")?.inputs.get("image"), undoLabel]).toEqual(["shot2.png", "begin"]);
});

test("while its camera is off a run is refused on the input, until the camera is on", async () => {
  const made = await withCamera();
  expect(await made.editor.submit.run()).toEqual([]);
  const problems = () =>
    made.editor.faults
      .getState()
      .byNode.get("cam")
      ?.map(({ code, input }) => [code, input]);
  expect(problems()).toEqual([["camera_off", "image"]]);
  expect(sentPictures(made)).toEqual([]);
  await made.start();
  expect(problems()).toBeUndefined();
});

test("a picture that was captured by hand is sent as it is", async () => {
  const made = await withCamera();
  made.editor.document.apply("keep", (graph) => setValue(graph, "cam", "capture_on_queue", false));
  await made.start();
  const name = await made.editor.cameras.take([], "cam");
  made.editor.document.apply("capture", (graph) => setValue(graph, "cam", "image", name));
  made.editor.cameras.stop([], "cam");
  await made.editor.submit.run();
  expect(sentPictures(made)).toEqual([["shot1.png"]]);
});

test("a refusal is told although its node was changed since the last run", async () => {
  const made = await withCamera();
  await made.start();
  await made.editor.submit.run();
  made.editor.cameras.stopAll();
  made.editor.document.apply("change", (graph) => setValue(graph, "cam", "note", 1));
  await made.editor.submit.run();
  expect(
    resultsOf(made.editor.runs.store.getState(), made.editor.document.store.getState().key).problems,
  ).toHaveLength(1);
  expect(made.editor.faults.getState().problems).toHaveLength(1);
});
