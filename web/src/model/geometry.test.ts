import { expect, test } from "vitest";

import { newNode } from "./edit";
import { TEXT, boxOf, picksFrom, showsPicture } from "./geometry";
import { inputSlots } from "./slots";
import { inputOf, widgetOf } from "./spec";
import { toy } from "./toys";

test("a node's size follows from its description: header, a row each, a margin", () => {
  const box = boxOf(newNode(toy("VAEDecode"), [0, 0]), toy("VAEDecode"), new Set());
  expect([box.width, box.height, box.handles.length]).toEqual([280, 30 + 2 * 26 + 8, 3]);
});

test("every visible input and output has one handle on its edge", () => {
  const node = newNode(toy("KSampler"), [0, 0]);
  const { handles, width } = boxOf(node, toy("KSampler"), new Set(["eta"]));
  expect(handles.filter((each) => each.side === "input" && each.x === 0).length).toBe(
    inputSlots(node, toy("KSampler"), new Set()).length,
  );
  expect(handles.filter((each) => each.side === "output").map((each) => each.x)).toEqual([width]);
});

test("an untouched advanced input is not shown", () => {
  const { handles } = boxOf(newNode(toy("KSampler"), [0, 0]), toy("KSampler"), new Set());
  expect(handles.map((each) => each.name)).not.toContain("eta");
});

test("extra height goes to the text", () => {
  const node = { ...newNode(toy("CLIPTextEncode"), [0, 0]), size: [300, 400] as const };
  const box = boxOf(node, toy("CLIPTextEncode"), new Set());
  const last = box.rows.at(-1);
  expect([box.height, last?.kind, (last?.top ?? 0) + (last?.height ?? 0)]).toEqual([400, "tall", 392]);
});

test("a collapsed node is its header, with all its sockets", () => {
  const box = boxOf({ ...newNode(toy("KSampler"), [0, 0]), collapsed: true }, toy("KSampler"), new Set());
  expect([box.height, box.rows.length, box.handles.length]).toEqual([30, 0, 8]);
});

test("a node of an unknown type shows what is wired to it", () => {
  expect(
    boxOf(newNode(toy("KSampler"), [0, 0]), undefined, new Set(["x"])).handles.map((each) => each.name),
  ).toEqual(["x"]);
});

test("a node that saves pictures keeps room for one", () => {
  expect([showsPicture(toy("SaveImage")), showsPicture(toy("KSampler"))]).toEqual([true, false]);
});

test("so does one that picks a picture or a result, but none that picks a model", () => {
  const loader = toy("CheckpointLoaderSimple");
  const from = (folder: string) => ({
    ...loader,
    inputs: [inputOf("file", "COMBO", { widget: widgetOf("file", { folder }) })],
  });
  expect(["input", "output", "loras"].map((folder) => showsPicture(from(folder)))).toEqual([
    true,
    true,
    false,
  ]);
  expect(showsPicture(from("videos"))).toBe(true);
  expect([picksFrom(from("output"), "output"), picksFrom(from("output"), "input")]).toEqual(["file", null]);
});

test("a node at the end that gives no picture keeps room for a text", () => {
  const saves = { ...toy("CheckpointLoaderSimple"), terminal: true };
  const box = boxOf(newNode(saves, [0, 0]), saves, new Set());
  expect(box.rows.at(-1)).toMatchObject({ kind: "picture", height: TEXT });
});

test("a preview has room in its own shape, wide or high", () => {
  const picture = (preview: number) =>
    boxOf(newNode(toy("KSampler"), [0, 0]), toy("KSampler"), new Set(), { preview }).rows.at(-1);
  expect(picture(1)).toMatchObject({ kind: "picture", height: 280 - 20 + 7 });
  expect(picture(0.5)).toMatchObject({ kind: "picture", height: 130 + 7 });
});
