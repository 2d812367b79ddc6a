import { expect, test } from "vitest";

import { all, downstream, existing, isEmpty, NOTHING, selectionOf, toggled, upstream } from "./selection";
import { TEXT_TO_IMAGE } from "./toys";

const nodes = (...ids: string[]) => selectionOf({ nodes: new Set(ids) });

test("everything is every node and every link", () => {
  const { nodes: ids, links } = all(TEXT_TO_IMAGE);
  expect([ids.size, links.size]).toEqual([6, 7]);
});

test("a selection of what exists stays the same object", () => {
  const selection = nodes("sampler");
  expect(existing(selection, TEXT_TO_IMAGE)).toBe(selection);
  expect(isEmpty(existing(nodes("gone"), TEXT_TO_IMAGE))).toBe(true);
});

test("toggling twice selects as before", () => {
  expect(toggled(toggled(nodes("a", "b"), nodes("b")), nodes("b"))).toEqual(nodes("a", "b"));
  expect(toggled(NOTHING, nodes("a"))).toEqual(nodes("a"));
});

test("upstream is what feeds a node at any distance, downstream what it feeds", () => {
  expect([...upstream(TEXT_TO_IMAGE, new Set(["sampler"]))].sort()).toEqual(["empty", "loader", "prompt"]);
  expect([...downstream(TEXT_TO_IMAGE, new Set(["sampler"]))].sort()).toEqual(["decode", "save"]);
});
