import { type ReactFlowProps } from "@xyflow/react";
import { useMemo, type DragEvent, type HTMLAttributes, type MouseEvent, type PointerEvent } from "react";
import { addNode, freeNodeId, newNode } from "../model/edit";
import { boundsOf, contains } from "../model/geometry";
import { selectionOf } from "../model/selection";
import { specTitle } from "../model/spec";
import { type Studio, useStudio } from "../ui/editor";
import type { Point } from "../ui/popover";
import { idOf, kindOf } from "./flow";
import { useMenus } from "./menus";
import { type CanvasModel, useCanvasModel } from "./state";

export const DRAGGED_TYPE = "application/x-photogram-node";

interface Gestures {
  readonly flow: Pick<
    ReactFlowProps,
    | "onPaneContextMenu"
    | "onNodeContextMenu"
    | "onEdgeContextMenu"
    | "onSelectionContextMenu"
    | "onEdgeMouseEnter"
    | "onEdgeMouseLeave"
    | "onPaneClick"
    | "onNodeClick"
  >;
  readonly surface: HTMLAttributes<HTMLElement>;
}

/** Pressing, double pressing, right pressing and dropping on the canvas. */
export function useGestures(): Gestures {
  const studio = useStudio();
  const model = useCanvasModel();
  const menus = useMenus();
  return useMemo(() => {
    const { document, shell, catalog, settings } = studio;
    const at = (event: { clientX: number; clientY: number }) => ({ x: event.clientX, y: event.clientY });
    const stop = (event: MouseEvent | globalThis.MouseEvent): void => event.preventDefault();
    return {
      flow: {
        onPaneContextMenu: (event) => {
          stop(event);
          menus.openCanvas(at(event));
        },
        onNodeContextMenu: (event, node) => {
          if (event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement) return;
          stop(event);
          const id = idOf(node.id);
          const kind = kindOf(node.id);
          if (kind === "group") menus.openGroup(id, at(event));
          else if (kind === "note") menus.openNote(id, at(event));
          else menus.openNode(id, at(event));
        },
        onEdgeContextMenu: (event, edge) => {
          stop(event);
          menus.openLink(edge.id, at(event));
        },
        onSelectionContextMenu: (event) => {
          stop(event);
          const [first] = document.store.getState().selection.nodes;
          if (first !== undefined) menus.openNode(first, at(event));
        },
        onEdgeMouseEnter: (_event, edge) => model.store.setState({ hovered: edge.id }),
        onEdgeMouseLeave: () => model.store.setState({ hovered: null }),
        onPaneClick: (event) => {
          const { overlay, viewport } = shell.store.getState();
          if (overlay === null) viewport?.focusCanvas();
          // A finger hovers over nothing before it presses, so from far it meets the picture of the node.
          const node = model.store.getState().far ? nodeAt(studio, model, at(event)) : null;
          if (node === null) return;
          document.select(selectionOf({ nodes: new Set([node]) }));
          shell.set({ focused: node });
        },
        onNodeClick: (event, node) => {
          if (kindOf(node.id) !== "node") return;
          shell.set({ focused: idOf(node.id) });
          const head = event.target instanceof Element && event.target.closest(".node-head") !== null;
          if (head)
            event.currentTarget.querySelector<HTMLElement>("[data-node]")?.focus({ preventScroll: true });
        },
      },
      surface: {
        onDoubleClick: (event: MouseEvent) => {
          const pane = event.target instanceof Element && event.target.classList.contains("react-flow__pane");
          const viewport = shell.store.getState().viewport;
          if (!pane || viewport === null) return;
          shell.open({ kind: "nodes", at: at(event), position: viewport.toFlow(at(event)), end: null });
        },
        onPointerDown: (event: PointerEvent) => {
          if (event.button === 1) event.preventDefault();
        },
        onPointerMove: (event: PointerEvent) => {
          const { far, under } = model.store.getState();
          const now = far ? nodeAt(studio, model, at(event)) : null;
          if (now !== under) model.store.setState({ under: now });
        },
        onDragOver: (event: DragEvent) => {
          if (event.dataTransfer.types.includes(DRAGGED_TYPE)) event.preventDefault();
        },
        onDrop: (event: DragEvent) => {
          const spec = catalog.store.getState().specs.get(event.dataTransfer.getData(DRAGGED_TYPE));
          const viewport = shell.store.getState().viewport;
          if (spec === undefined || viewport === null) return;
          event.preventDefault();
          event.stopPropagation();
          const { x, y } = viewport.toFlow(at(event));
          settings.used(spec.type);
          document.apply(`add ${specTitle(spec)}`, (graph) => {
            const id = freeNodeId(graph, spec.type);
            const position = [Math.round(x - 140), Math.round(y - 15)] as const;
            return {
              graph: addNode(graph, id, newNode(spec, position, catalog.store.getState().folders)),
              selection: selectionOf({ nodes: new Set([id]) }),
            };
          });
        },
      },
    };
  }, [studio, model, menus]);
}

/** The uppermost node at a point of the window. */
function nodeAt(studio: Studio, model: CanvasModel, point: Point): string | null {
  const place = studio.shell.store.getState().viewport?.toFlow(point);
  if (place === undefined) return null;
  const { graph, workflow } = studio.document.store.getState();
  const specs = model.specs(workflow, studio.catalog.store.getState().specs);
  const { previewed } = model.store.getState();
  let found: string | null = null;
  for (const [id, { position }] of graph.nodes) {
    const box = model.figures.figure(graph, id, specs, previewed.get(id))?.box;
    if (box !== undefined && contains(boundsOf(position, [box.width, box.height]), [place.x, place.y]))
      found = id;
  }
  return found;
}
