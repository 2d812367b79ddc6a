import { useReactFlow } from "@xyflow/react";
import { useCallback, type PointerEvent } from "react";
import { connect, disconnect } from "../model/edit";
import {
  checkLink,
  fittingInput,
  fittingOutput,
  inputsFor,
  outputType,
  inputType,
  outputsFor,
} from "../model/sockets";
import type { Specs } from "../model/spec";
import { type Graph, type Port, linkInto, linkKey, portKey, samePort } from "../model/workflow";
import { type Studio, useStudio } from "../ui/editor";
import type { Point } from "../ui/popover";
import type { OpenEnd } from "../ui/shell";
import { type CanvasModel, type Wire, useCanvasModel } from "./state";

const THRESHOLD_PX = 4;
const MAGNET_PX = 40;

interface Spot {
  readonly port: Port;
  readonly x: number;
  readonly y: number;
}

interface Hand {
  readonly studio: Studio;
  readonly model: CanvasModel;
  readonly graph: Graph;
  readonly specs: Specs;
  readonly toFlow: (point: Point) => Point;
  readonly zoom: () => number;
}

/** Starts drawing a wire from a socket; a wired input gives its wire away, to be plugged in elsewhere. */
export function useWireDrag(end: OpenEnd) {
  const studio = useStudio();
  const model = useCanvasModel();
  const flow = useReactFlow();
  const { node, name } = end.port;
  const { side } = end;
  return useCallback(
    (event: PointerEvent<HTMLElement>): void => {
      if (event.button !== 0) return;
      event.stopPropagation();
      event.preventDefault();
      event.currentTarget.focus({ preventScroll: true });
      const { graph, workflow } = studio.document.store.getState();
      const specs = model.specs(workflow, studio.catalog.store.getState().specs);
      const hand: Hand = {
        studio,
        model,
        graph,
        specs,
        toFlow: flow.screenToFlowPosition,
        zoom: flow.getZoom,
      };
      if (event.ctrlKey && event.altKey) {
        if (side === "input") studio.document.apply("disconnect", (now) => disconnect(now, { node, name }));
        return;
      }
      follow(hand, { port: { node, name }, side }, event.nativeEvent);
    },
    [studio, model, flow, node, name, side],
  );
}

function follow(hand: Hand, pressed: OpenEnd, start: globalThis.PointerEvent): void {
  const { model, graph } = hand;
  const link = pressed.side === "input" ? linkInto(graph, pressed.port) : undefined;
  const end: OpenEnd = link === undefined ? pressed : { port: link.from, side: "output" };
  const spots = spotsFor(hand, end);
  const base: Omit<Wire, "tip"> = {
    end,
    type:
      end.side === "output"
        ? outputType(graph, end.port, hand.specs)
        : inputType(graph, end.port, hand.specs),
    origin: placeOf(hand, end) ?? hand.toFlow({ x: start.clientX, y: start.clientY }),
    lifted: link === undefined ? null : linkKey(link),
    fits: new Set(spots.map((spot) => `${end.side === "output" ? "input" : "output"} ${portKey(spot.port)}`)),
  };
  const move = (event: globalThis.PointerEvent): void => {
    const far = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) >= THRESHOLD_PX;
    if (model.store.getState().wire === null && !far) return;
    const tip = hand.toFlow({ x: event.clientX, y: event.clientY });
    const aim = nearest(spots, tip, MAGNET_PX / hand.zoom());
    const body = aim === null ? nodeUnder(event) : null;
    model.store.setState({
      wire: { ...base, tip: aim ?? tip },
      aim: aim?.port ?? null,
      aimNode: body !== null && body !== end.port.node && fitting(hand, end, body) !== null ? body : null,
    });
  };
  const leave = (): void => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", up);
    window.removeEventListener("pointercancel", leave);
    window.removeEventListener("keydown", escape, true);
    model.store.setState({ wire: null, aim: null, aimNode: null });
  };
  const up = (event: globalThis.PointerEvent): void => {
    const { wire, aim } = model.store.getState();
    leave();
    if (wire !== null) drop(hand, wire, aim, event);
  };
  const escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    leave();
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", up);
  window.addEventListener("pointercancel", leave);
  window.addEventListener("keydown", escape, true);
}

/** Where the wire ends decides: a socket, a node, or nowhere, which asks for a new node or unplugs. */
function drop(hand: Hand, wire: Wire, aim: Port | null, event: globalThis.PointerEvent): void {
  const { studio, specs, graph } = hand;
  const { document, notices, shell } = studio;
  const body = nodeUnder(event);
  const onto = aim ?? (body === null || body === wire.end.port.node ? null : fitting(hand, wire.end, body));
  const lifted = graph.links.find((link) => linkKey(link) === wire.lifted);
  if (onto !== null) {
    const [from, to] = wire.end.side === "output" ? [wire.end.port, onto] : [onto, wire.end.port];
    if (lifted !== undefined && samePort(lifted.to, to)) return;
    document.apply(lifted === undefined ? "connect" : "move a link", (now) =>
      connect(lifted === undefined ? now : disconnect(now, lifted.to), from, to),
    );
    shell.say(`Connected ${from.name} to ${to.name}.`);
  } else if (body !== null && (lifted === undefined || body !== wire.end.port.node)) {
    if (body !== wire.end.port.node) notices.info(whyNot(hand, wire, body));
  } else if (lifted !== undefined) {
    document.apply("disconnect", (now) => disconnect(now, lifted.to));
  } else if (specs.size > 0 && onCanvas(event)) {
    const at = { x: event.clientX, y: event.clientY };
    shell.open({ kind: "nodes", at, position: hand.toFlow(at), end: wire.end });
  }
}

function whyNot({ graph, specs }: Hand, wire: Wire, node: string): string {
  const slot = specs.get(graph.nodes.get(node)?.type ?? "")?.inputs.find((input) => input.widget === null);
  if (wire.end.side === "input" || slot === undefined) return `Nothing on this node fits ${wire.type}.`;
  const verdict = checkLink(graph, wire.end.port, { node, name: slot.name }, specs);
  return verdict.ok ? `Nothing on this node takes ${wire.type}.` : verdict.reason;
}

function fitting({ graph, specs }: Hand, end: OpenEnd, node: string): Port | null {
  return end.side === "output"
    ? fittingInput(graph, end.port, node, specs)
    : fittingOutput(graph, end.port, node, specs);
}

/** Every socket the wire could go to, with its place. */
function spotsFor(hand: Hand, end: OpenEnd): readonly Spot[] {
  const { graph, specs } = hand;
  const side = end.side === "output" ? "input" : "output";
  const found = side === "input" ? inputsFor(graph, end.port, specs) : outputsFor(graph, end.port, specs);
  return found.flatMap(({ port }) => {
    const place = placeOf(hand, { port, side });
    return place === null ? [] : [{ port, ...place }];
  });
}

function placeOf({ graph, specs, model }: Hand, { port, side }: OpenEnd): Point | null {
  const node = graph.nodes.get(port.node);
  const figure = model.figures.figure(
    graph,
    port.node,
    specs,
    model.store.getState().previewed.get(port.node),
  );
  const handle = figure?.box.handles.find((each) => each.side === side && each.name === port.name);
  if (node === undefined || handle === undefined) return null;
  return { x: node.position[0] + handle.x, y: node.position[1] + handle.y };
}

function nearest(spots: readonly Spot[], tip: Point, reach: number): Spot | null {
  let best: Spot | null = null;
  let distance = reach;
  for (const spot of spots) {
    const away = Math.hypot(spot.x - tip.x, spot.y - tip.y);
    if (away < distance) {
      best = spot;
      distance = away;
    }
  }
  return best;
}

function nodeUnder(event: globalThis.PointerEvent): string | null {
  const element = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-node]");
  return element?.getAttribute("data-node") ?? null;
}

function onCanvas(event: globalThis.PointerEvent): boolean {
  return document.elementFromPoint(event.clientX, event.clientY)?.closest(".canvas") !== null;
}
