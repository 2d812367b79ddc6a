import { useCallback, type KeyboardEvent } from "react";
import { move } from "../model/edit";
import { GRID } from "../model/geometry";
import { selectionOf } from "../model/selection";
import type { Graph } from "../model/workflow";
import { type Studio, useStudio } from "../ui/editor";
import { useMenus } from "./menus";

type Way = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";
const WAYS: Readonly<Record<Way, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The keyboard on the canvas: arrows go from node to node, Enter goes into one, Escape comes out. */
export function useCanvasKeys() {
  const studio = useStudio();
  const menus = useMenus();
  return useCallback(
    (event: KeyboardEvent): void => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (target === null) return;
      const node = target.closest<HTMLElement>("[data-node]");
      const inside = node !== null && node !== target;
      const id = node?.getAttribute("data-node") ?? studio.shell.store.getState().focused;
      if (inside) {
        insideNode(event, node, target);
        return;
      }
      if (id !== null && (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey))) {
        event.preventDefault();
        const box = (node ?? target).getBoundingClientRect();
        menus.openNode(id, { x: box.left + 20, y: box.top + 34 });
      } else if (event.key === "Enter" && node !== null && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        controlsOf(node)[0]?.focus({ preventScroll: true });
      } else if (event.key === "Escape" && node !== null) {
        event.preventDefault();
        studio.shell.store.getState().viewport?.focusCanvas();
      } else if (event.key === "c" && !event.ctrlKey && !event.metaKey && node !== null) {
        const socket =
          node.querySelector<HTMLElement>('.socket[data-side="output"]') ??
          node.querySelector<HTMLElement>(".socket");
        socket?.dispatchEvent(new window.KeyboardEvent("keydown", { key: "c", bubbles: true }));
        event.preventDefault();
      } else arrows(event, studio, id);
    },
    [studio, menus],
  );
}

/** Tab and the arrows on sockets go round the controls of the node; Escape goes back to the node itself. */
function insideNode(event: KeyboardEvent, node: HTMLElement, target: HTMLElement): void {
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    node.focus({ preventScroll: true });
    return;
  }
  const onSocket = target.classList.contains("socket");
  const step =
    event.key === "Tab"
      ? event.shiftKey
        ? -1
        : 1
      : onSocket && event.key === "ArrowDown"
        ? 1
        : onSocket && event.key === "ArrowUp"
          ? -1
          : 0;
  if (step === 0) return;
  const controls = controlsOf(node);
  const next = controls.at((controls.indexOf(target) + step) % Math.max(1, controls.length));
  event.preventDefault();
  next?.focus({ preventScroll: true });
}

function controlsOf(node: HTMLElement): readonly HTMLElement[] {
  const all = node.querySelectorAll<HTMLElement>(".node-body button, .node-body input, .node-body textarea");
  return [...all].filter((each) => each.closest("[aria-hidden=true]") === null && !each.hidden);
}

function isWay(key: string): key is Way {
  return Object.hasOwn(WAYS, key);
}

function arrows(event: KeyboardEvent, studio: Studio, id: string | null): void {
  const { document, shell } = studio;
  const { graph, selection } = document.store.getState();
  const way = isWay(event.key) ? WAYS[event.key] : null;
  if (way !== null && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    const step = GRID * (event.shiftKey ? 5 : 1);
    const by = [way[0] * step, way[1] * step] as const;
    document.apply("move nodes", (now) => move(now, selection, by), { merge: "arrow keys" });
    return;
  }
  const next = nextNode(graph, id, event);
  if (next === undefined) return;
  event.preventDefault();
  document.select(selectionOf({ nodes: new Set([next]) }));
  shell.store.getState().viewport?.show(next);
}

/** Where a key leads: Home and End to the ends, Alt and an arrow along a link, an arrow to the neighbour there. */
function nextNode(graph: Graph, id: string | null, { key, altKey }: KeyboardEvent): string | undefined {
  const order = inOrder(graph);
  if (key === "Home") return order[0];
  if (key === "End") return order.at(-1);
  if (!isWay(key)) return undefined;
  if (id === null || !graph.nodes.has(id)) return order[0];
  const [x, y] = WAYS[key];
  if (!altKey || x === 0) return neighbour(graph, id, x, y);
  const link = graph.links.find((each) => (x > 0 ? each.from.node : each.to.node) === id);
  return x > 0 ? link?.to.node : link?.from.node;
}

/** Left to right, then top to bottom. */
function inOrder(graph: Graph): readonly string[] {
  return [...graph.nodes]
    .toSorted(
      ([, one], [, other]) => one.position[0] - other.position[0] || one.position[1] - other.position[1],
    )
    .map(([id]) => id);
}

/** The nearest node in a direction; being off to the side counts double. */
function neighbour(graph: Graph, id: string, x: number, y: number): string | undefined {
  const from = graph.nodes.get(id)?.position ?? [0, 0];
  const ranked = [...graph.nodes].flatMap(([other, node]) => {
    const along = (node.position[0] - from[0]) * x + (node.position[1] - from[1]) * y;
    const aside = Math.abs((node.position[0] - from[0]) * y) + Math.abs((node.position[1] - from[1]) * x);
    return other === id || along <= 0 ? [] : [{ other, distance: along + aside * 2 }];
  });
  return ranked.toSorted((one, two) => one.distance - two.distance)[0]?.other;
}
