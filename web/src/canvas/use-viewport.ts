import { type OnMove, type ReactFlowInstance, type ReactFlowProps, useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useRef } from "react";
import { flushSync } from "react-dom";
import type { Documents } from "../state/document";
import { useStudio } from "../ui/editor";
import type { Point } from "../ui/popover";
import type { Viewport } from "../ui/shell";
import { keyOf } from "./flow";
import { useCanvasModel } from "./state";

const FAR_BELOW = 0.45;
const NEAR_ABOVE = 0.5;
const PADDING = 0.08;

/** Lends the canvas's view to the rest of the window, and notes when it is seen from far. */
export function useViewport(): Pick<ReactFlowProps, "onMove" | "onInit"> {
  const { shell, document: documents } = useStudio();
  const flow = useReactFlow();
  const pointer = useRef<Point | null>(null);
  const model = useCanvasModel();
  const onMove: OnMove = useCallback(
    (_event, { zoom }) => {
      const { far } = model.store.getState();
      const now = far ? zoom < NEAR_ABOVE : zoom < FAR_BELOW;
      if (now !== far) model.store.setState({ far: now });
      const rounded = Math.round(zoom * 100) / 100;
      if (shell.store.getState().zoom !== rounded) shell.set({ zoom: rounded });
    },
    [shell, model],
  );
  useEffect(() => {
    const follow = (event: PointerEvent): void => {
      const over = event.target instanceof Element && event.target.closest(".canvas") !== null;
      pointer.current = over ? { x: event.clientX, y: event.clientY } : null;
    };
    window.addEventListener("pointermove", follow, { passive: true });
    return () => window.removeEventListener("pointermove", follow);
  }, []);
  const onInit = useCallback(() => {
    const middle = (): Point => {
      const box = document.querySelector(".canvas")?.getBoundingClientRect();
      return box === undefined
        ? { x: 400, y: 300 }
        : { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    };
    const viewport: Viewport = {
      fit: (nodes) => {
        const some =
          nodes === undefined || nodes.size === 0
            ? undefined
            : [...nodes].map((id) => ({ id: keyOf("node", id) }));
        void flow.fitView({
          padding: PADDING,
          maxZoom: 1,
          duration: duration(),
          ...(some === undefined ? {} : { nodes: some }),
        });
      },
      zoomBy: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: duration() }),
      zoomTo: (zoom) => void flow.zoomTo(zoom, { duration: duration() }),
      show: (id, input = null) => {
        const node = flow.getNode(keyOf("node", id));
        if (node === undefined) return;
        const { x, y } = node.position;
        const zoom = Math.max(flow.getZoom(), 0.8);
        void flow.setCenter(x + (node.width ?? 0) / 2, y + (node.height ?? 0) / 2, {
          zoom,
          duration: duration(),
        });
        // What is far or out of view becomes a box first, which can hold the focus.
        flushSync(() => shell.set({ focused: id }));
        focusLater(id, input);
      },
      focusCanvas: () =>
        document.querySelector<HTMLElement>(".canvas .react-flow")?.focus({ preventScroll: true }),
      toFlow: (point) => flow.screenToFlowPosition(point),
      pointer: () => pointer.current ?? middle(),
      isOver: () => pointer.current !== null,
    };
    shell.set({ viewport, zoom: Math.round(flow.getZoom() * 100) / 100 });
  }, [flow, shell]);
  useFitOnOpen(flow, documents);
  return { onMove, onInit };
}

/** Each document that comes to the front is seen whole. */
function useFitOnOpen(flow: ReactFlowInstance, documents: Documents): void {
  useEffect(() => {
    let shown = "";
    const look = (): void => {
      const { key, graph, path } = documents.store.getState();
      const place = JSON.stringify([key, path]);
      if (place === shown) return;
      shown = place;
      // An empty sheet stays where it is when its first node is put down.
      if (graph.nodes.size === 0) void flow.setViewport({ x: 0, y: 0, zoom: 1 });
      else window.requestAnimationFrame(() => void flow.fitView({ padding: PADDING, maxZoom: 1 }));
    };
    look();
    return documents.store.subscribe(look);
  }, [flow, documents]);
}

function duration(): number {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 220;
}

/** The node may only be drawn once it is in view. */
function focusLater(id: string, input: string | null, tries = 20): void {
  const node = document.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`);
  if (node === null) {
    if (tries > 0) window.setTimeout(() => focusLater(id, input, tries - 1), 30);
    return;
  }
  const control =
    input === null ? null : node.querySelector<HTMLElement>(`[aria-label="${CSS.escape(input)}"]`);
  (control ?? node).focus({ preventScroll: true });
}
