import { type ReactFlowState, useStore, useStoreApi } from "@xyflow/react";
import { useLayoutEffect, useRef, type JSX } from "react";
import { socketStyle } from "../model/colors";
import { outputNamed } from "../model/slots";
import type { Graph, Link } from "../model/workflow";
import { useCatalog, useDocument, useShell } from "../ui/editor";
import { keyOf } from "./flow";
import { useCanvasModel } from "./state";

const WIDTH = 1.5;
const look = ({ transform, width, height, nodes }: ReactFlowState): object => ({
  transform,
  width,
  height,
  nodes,
});
const same = (a: object, b: object): boolean =>
  Object.entries(a).every(([key, value]) => Reflect.get(b, key) === value);

/** All wires as straight lines on one picture: from far, hundreds of them cost as little as one. */
export function FarLinks(): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  const seen = useStore(look, same);
  const graph = useDocument((state) => state.graph);
  const workflow = useDocument((state) => state.workflow);
  const catalog = useCatalog((state) => state.specs);
  const theme = useShell((state) => (state.light ? "light" : "dark"));
  const model = useCanvasModel();
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (canvas.current === null || !context) return;
    const specs = model.specs(workflow, catalog);
    const colour = (link: Link): string =>
      socketStyle(outputNamed(graph, link.from.node, link.from.name, specs)?.type ?? "*")[theme];
    draw(canvas.current, context, store.getState(), graph, colour);
  }, [seen, graph, workflow, catalog, theme, model, store]);
  return <canvas className="far-links" ref={canvas} aria-hidden="true" />;
}

function draw(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  state: ReactFlowState,
  graph: Graph,
  colour: (link: Link) => string,
): void {
  const [left, top, zoom] = state.transform;
  const { width, height } = state;
  const scale = window.devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = height * scale;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineWidth = WIDTH;
  const end = (node: string, side: "source" | "target", name: string): readonly [number, number] | null => {
    const inner = state.nodeLookup.get(keyOf("node", node))?.internals;
    const handle = inner?.handleBounds?.[side]?.find((each) => each.id === name);
    if (inner === undefined || handle === undefined) return null;
    const { x, y } = inner.positionAbsolute;
    return [(x + handle.x + handle.width / 2) * zoom + left, (y + handle.y + handle.height / 2) * zoom + top];
  };
  const paths = new Map<string, Path2D>();
  for (const link of graph.links) {
    const from = end(link.from.node, "source", link.from.name);
    const to = end(link.to.node, "target", link.to.name);
    if (from === null || to === null || isOutside(from, to, width, height)) continue;
    const style = colour(link);
    const path = paths.get(style) ?? new Path2D();
    path.moveTo(...from);
    path.lineTo(...to);
    paths.set(style, path);
  }
  for (const [style, path] of paths) {
    context.strokeStyle = style;
    context.stroke(path);
  }
}

/** Whether a line lies wholly beyond one edge of the picture. */
function isOutside(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  width: number,
  height: number,
): boolean {
  return (
    Math.max(x1, x2) < 0 || Math.min(x1, x2) > width || Math.max(y1, y2) < 0 || Math.min(y1, y2) > height
  );
}
