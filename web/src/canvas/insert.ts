import { placeInLink } from "../model/wiring";
import { type Graph, type Link, linkKey } from "../model/workflow";
import type { Specs } from "../model/spec";
import type { Studio } from "../ui/editor";
import type { Point } from "../ui/popover";
import { pointsAlong } from "./curve";
import type { CanvasModel } from "./state";

const SAMPLES = 15;

/** The link that a node dragged to a place lies on, if the node is not wired yet and fits into it. */
export function linkUnder(studio: Studio, model: CanvasModel, id: string, at: Point): string | null {
  const { graph, workflow } = studio.document.store.getState();
  const wires = model.figures.wires(graph);
  if (wires.into.has(id) || wires.outOf.has(id)) return null;
  const specs = model.specs(workflow, studio.catalog.store.getState().specs);
  const box = model.figures.figure(graph, id, specs, model.store.getState().previewed.get(id))?.box;
  if (box === undefined) return null;
  const covered = (link: Link): number =>
    along(link, graph, specs, model).filter(
      ([x, y]) => x > at.x && x < at.x + box.width && y > at.y && y < at.y + box.height,
    ).length;
  const found = graph.links
    .map((link) => ({ link, covered: covered(link) }))
    .filter((each) => each.covered > 0)
    .toSorted((one, other) => other.covered - one.covered)
    .find(({ link }) => placeInLink(graph, id, link, specs) !== null);
  return found === undefined ? null : linkKey(found.link);
}

function along(
  { from, to }: Link,
  graph: Graph,
  specs: Specs,
  model: CanvasModel,
): readonly (readonly [number, number])[] {
  const end = (id: string, name: string, side: "input" | "output"): Point | null => {
    const node = graph.nodes.get(id);
    const figure = model.figures.figure(graph, id, specs, model.store.getState().previewed.get(id));
    const handle = figure?.box.handles.find((each) => each.side === side && each.name === name);
    if (node === undefined || handle === undefined) return null;
    return { x: node.position[0] + handle.x, y: node.position[1] + handle.y };
  };
  const start = end(from.node, from.name, "output");
  const finish = end(to.node, to.name, "input");
  return start === null || finish === null ? [] : pointsAlong(start.x, start.y, finish.x, finish.y, SAMPLES);
}
