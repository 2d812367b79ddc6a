import { expect, test } from "vitest";

import { decodeCatalog, decodeEvent, decodePreview, decodeProblems } from "./decode";

function frame(header: string, picture: string, length = header.length): ArrayBuffer {
  const bytes = new TextEncoder().encode(`\0\0\0${String.fromCharCode(length)}${header}${picture}`);
  return bytes.buffer;
}

test("a preview is a header and a picture", async () => {
  const preview = decodePreview(
    frame('{"run":"r","node":"n","done":1,"total":2,"mime":"image/png"}', "bytes"),
  );
  expect(preview).toMatchObject({ run: "r", node: "n", done: 1, total: 2 });
  expect([preview?.picture.type, await preview?.picture.text()]).toEqual(["image/png", "bytes"]);
});

test.each([new ArrayBuffer(2), frame("{}", "", 99), frame("no json", "")])(
  "a broken frame is no preview",
  (bytes) => {
    expect(decodePreview(bytes)).toBeNull();
  },
);

test.each(["", "[]", "{", '{"seq": 1}', "null"])("the text %j is no event", (text) => {
  expect(decodeEvent(text)).toBeNull();
});

test("an event is read with its number", () => {
  expect(decodeEvent('{"seq": 7, "kind": "catalog_changed"}')).toEqual({ seq: 7, kind: "catalog_changed" });
});

test("a page that is no refusal of ours has no problems", () => {
  expect(decodeProblems("<html>")).toBeNull();
});

test("limits beyond 2^53 become numbers, defaults stay exact", () => {
  const widget = { kind: "seed", low: 0, high: 2n ** 64n - 1n, step: null, round_to: null };
  const input = { name: "seed", type: "INT", widget, default: 2n ** 63n, options: [] };
  const [spec] = decodeCatalog({
    nodes: [{ type: "T", inputs: [input], outputs: [] }],
    broken: [],
    stale: false,
  }).nodes;
  expect([spec?.inputs[0]?.widget?.high, spec?.inputs[0]?.default]).toEqual([2 ** 64, 2n ** 63n]);
});
