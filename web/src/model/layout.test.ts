import fc from "fast-check";
import { expect, test } from "vitest";

import { changeNode } from "./edit";
import { contains, overlaps } from "./geometry";
import { plan } from "./layered";
import { layoutTask } from "./layout";
import { TEXT_TO_IMAGE, graphWith } from "./toys";
import { type Graph, graphOf, linkOf, nodeOf } from "./workflow";

const size = () => [100, 50] as const;

function laidOut(graph: Graph, ids = new Set(graph.nodes.keys())) {
  const task = layoutTask(graph, ids, size);
  if (task === null) throw new Error("There is nothing to lay out.");
  return plan(structuredClone(task));
}

test("in an automatic layout every link leads to the right", () => {
  const { nodes } = laidOut(TEXT_TO_IMAGE);
  const x = (id: string) => nodes.get(id)?.[0] ?? NaN;
  expect(nodes.size).toBe(TEXT_TO_IMAGE.nodes.size);
  expect(TEXT_TO_IMAGE.links.every((link) => x(link.from.node) + 100 < x(link.to.node))).toBe(true);
});

test("no two nodes overlap, whatever the links, circles among them", () => {
  const wires = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 });
  fc.assert(
    fc.property(wires, (pairs) => {
      const nodes = new Map(Array.from({ length: 8 }, (_, at) => [`${at}`, nodeOf("ImageInvert")] as const));
      const links = pairs.map(([from, to], at) =>
        linkOf({ node: `${from}`, name: "IMAGE" }, { node: `${to}`, name: `image${at}` }),
      );
      const boxes = [...laidOut(graphOf({ nodes, links })).nodes.values()].map(
        ([x, y]) => [x, y, 100, 50] as const,
      );
      return boxes.every((one, at) => boxes.slice(at + 1).every((other) => !overlaps(one, other)));
    }),
    { numRuns: 50 },
  );
});

test("the upper left corner stays, and so does what is pinned or not named", () => {
  const graph = changeNode(
    graphWith(
      { a: "ImageInvert", b: "ImageInvert", c: "ImageInvert", d: "ImageInvert" },
      "a.IMAGE > b.image",
    ),
    "c",
    (node) => ({ ...node, pinned: true }),
  );
  const { nodes } = laidOut(graph, new Set(["a", "b", "c"]));
  expect([...nodes.keys()]).toEqual(["a", "b"]);
  expect(nodes.get("a")).toEqual(graph.nodes.get("a")?.position);
});

test("there is nothing to lay out in less than two nodes that may move", () => {
  expect(layoutTask(graphWith({ a: "ImageInvert" }), new Set(["a"]), size)).toBeNull();
});

test("a group comes along: its frame is around the nodes that were in it, and around no others", () => {
  const graph = graphWith({ a: "ImageInvert", b: "ImageInvert", c: "ImageInvert" }, "a.IMAGE > b.image");
  const apart = changeNode(graph, "c", (node) => ({ ...node, position: [2000, 900] }));
  const group = { id: "g", title: "", bounds: [-5000, -5000, 6500, 5800] as const, color: null, extra: {} };
  const { nodes, groups } = laidOut({ ...apart, groups: [group] });
  const inside = ["a", "b", "c"].filter((id) => {
    const [x, y] = nodes.get(id) ?? [NaN, NaN];
    return contains(groups.get("g") ?? [0, 0, 0, 0], [x + 50, y + 25]);
  });
  expect(inside).toEqual(["a", "b"]);
});
