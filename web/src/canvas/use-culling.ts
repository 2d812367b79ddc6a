import { useStoreApi } from "@xyflow/react";
import { useEffect } from "react";
import { type Bounds, type Graph, linkKey } from "../model/workflow";
import { boundsOf, overlaps, padded } from "../model/geometry";
import type { Specs } from "../model/spec";
import { useStudio } from "../ui/editor";
import { idOf, keyOf } from "./flow";
import { type CanvasModel, useCanvasModel } from "./state";

/** So many selected nodes are boxes even when seen from far; more are only drawn. */
const FEW = 20;
/** Pixels of the window beyond its edge that count as in view. */
const MARGIN = 80;
/** How far a link may swing out beyond the nodes at its ends. */
const SWING = 260;

/** Keeps account of what is in view: these nodes are boxes with contents, and these links are drawn one by one. */
export function useCulling(): void {
  const flow = useStoreApi();
  const model = useCanvasModel();
  const { document, catalog } = useStudio();
  useEffect(() => {
    const look = (): void => {
      const { graph, workflow, selection } = document.store.getState();
      const { far, inView, linksInView } = model.store.getState();
      const { transform, width, height } = flow.getState();
      const [x, y, zoom] = transform;
      const seen: Bounds = padded([-x / zoom, -y / zoom, width / zoom, height / zoom], MARGIN / zoom);
      const specs = model.specs(workflow, catalog.store.getState().specs);
      const found = far ? NOTHING_IN_VIEW : partsIn(seen, graph, specs, model);
      const now = selection.nodes.size > FEW ? found.nodes : found.nodes.union(selection.nodes);
      const nodes = sameSet(now, inView) ? inView : now;
      const links = sameSet(found.links, linksInView) ? linksInView : found.links;
      if (nodes !== inView || links !== linksInView)
        model.store.setState({ inView: nodes, linksInView: links });
    };
    look();
    const stops = [
      flow.subscribe((now, before) => {
        if (now.transform !== before.transform || now.width !== before.width || now.height !== before.height)
          look();
      }),
      document.store.subscribe((now, before) => {
        if (now.graph !== before.graph || now.selection !== before.selection) look();
      }),
      catalog.store.subscribe(look),
      model.store.subscribe((now, before) => {
        const strays =
          now.moved !== before.moved && [...now.moved.keys()].some((key) => !now.inView.has(idOf(key)));
        if (now.far !== before.far || now.previewed !== before.previewed || strays) look();
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [flow, model, document, catalog]);
}

interface Parts {
  readonly nodes: ReadonlySet<string>;
  readonly links: ReadonlySet<string>;
}

const NOTHING_IN_VIEW: Parts = { nodes: new Set(), links: new Set() };

function partsIn(seen: Bounds, graph: Graph, specs: Specs, model: CanvasModel): Parts {
  const { moved, previewed } = model.store.getState();
  const boxes = new Map<string, Bounds>();
  const nodes = new Set<string>();
  for (const [id, node] of graph.nodes) {
    const box = model.figures.figure(graph, id, specs, previewed.get(id))?.box;
    if (box === undefined) continue;
    const at = moved.get(keyOf("node", id));
    const bounds = boundsOf(at === undefined ? node.position : [at.x, at.y], [box.width, box.height]);
    boxes.set(id, bounds);
    if (overlaps(bounds, seen)) nodes.add(id);
  }
  const wide = padded(seen, SWING);
  const links = new Set<string>();
  for (const link of graph.links) {
    const from = boxes.get(link.from.node);
    const to = boxes.get(link.to.node);
    if (from !== undefined && to !== undefined && overlaps(joined(from, to), wide)) links.add(linkKey(link));
  }
  return { nodes, links };
}

/** The rectangle around two. */
function joined(one: Bounds, other: Bounds): Bounds {
  const left = Math.min(one[0], other[0]);
  const top = Math.min(one[1], other[1]);
  const right = Math.max(one[0] + one[2], other[0] + other[2]);
  return [left, top, right - left, Math.max(one[1] + one[3], other[1] + other[3]) - top];
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && one.isSubsetOf(other);
}
