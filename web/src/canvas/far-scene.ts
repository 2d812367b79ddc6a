/** What is drawn of a graph that is seen from far: a plate for each node, a frame for each group, a line for each link. */

import { socketStyle } from "../model/colors";
import { type Path, graphAt, runId } from "../model/path";
import type { Problem } from "../model/problem";
import type { Selection } from "../model/selection";
import type { Specs } from "../model/spec";
import type { Graph, NodeState, Workflow } from "../model/workflow";
import { type NodeStatus, type Results, IDLE, statusInside } from "../state/runs";
import { nodeTitle } from "../ui/names";
import type { Figures } from "./anatomy";
import { keyOf } from "./flow";
import type { CanvasState } from "./state";

export type Tone = "plain" | "queued" | "running" | "reused" | "done" | "failed" | "warning";

/** A rectangle with a title, in the canvas's own pixels at zoom 1. */
interface Titled {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly color: string | null;
  readonly selected: boolean;
}

export interface Plate extends Titled {
  readonly tone: Tone;
  readonly state: NodeState;
  /** It has the keyboard's focus. */
  readonly focused: boolean;
  /** Its type is not installed here. */
  readonly lost: boolean;
  /** How much of its work is done, from 0 to 1. */
  readonly done: number;
}

export interface Line {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly color: string;
}

export interface Scene {
  readonly frames: readonly Titled[];
  readonly plates: readonly Plate[];
  readonly lines: readonly Line[];
}

export interface SceneSource {
  readonly graph: Graph;
  readonly workflow: Workflow;
  readonly path: Path;
  readonly specs: Specs;
  readonly figures: Figures;
  readonly selection: Selection;
  readonly focused: string | null;
  readonly results: Results;
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
  readonly transient: Pick<CanvasState, "moved" | "previewed">;
  readonly theme: "dark" | "light";
}

export function sceneOf(source: SceneSource): Scene {
  const plates = platesOf(source);
  return { frames: framesOf(source), plates, lines: linesOf(source, plates) };
}

function platesOf(source: SceneSource): readonly Plate[] {
  const { graph, specs, figures, selection, transient, results, path, workflow } = source;
  const stale =
    results.submitted === null ? new Set<string>() : figures.stale(graph, graphAt(results.submitted, path));
  return [...graph.nodes].flatMap(([id, node]) => {
    const figure = figures.figure(graph, id, specs, transient.previewed.get(id));
    if (figure === null) return [];
    const name = runId(path, id);
    const status = workflow.subgraphs.has(node.type)
      ? statusInside(results.nodes, name)
      : (results.nodes.get(name) ?? IDLE);
    const { x, y } = transient.moved.get(keyOf("node", id)) ?? { x: node.position[0], y: node.position[1] };
    return {
      id,
      x,
      y,
      width: figure.box.width,
      height: figure.box.height,
      title: nodeTitle(node, figure.spec),
      color: node.color,
      selected: selection.nodes.has(id),
      tone: toneOf(status, source.problems.get(name) ?? [], stale.has(id)),
      state: node.state,
      focused: source.focused === id,
      lost: figure.lost,
      done: status.kind === "running" && status.total > 0 ? status.done / status.total : 0,
    };
  });
}

/** The most urgent of what there is to say about a node. */
export function toneOf(status: NodeStatus, problems: readonly Problem[], stale: boolean): Tone {
  if (status.kind === "failed" || problems.some((problem) => !problem.warning)) return "failed";
  if (status.kind === "running" || status.kind === "queued") return status.kind;
  if (problems.length > 0) return "warning";
  return status.kind === "idle" || stale ? "plain" : status.kind;
}

function framesOf({ graph, selection, transient }: SceneSource): readonly Titled[] {
  return graph.groups.map(({ id, title, bounds, color }) => {
    const { x, y } = transient.moved.get(keyOf("group", id)) ?? { x: bounds[0], y: bounds[1] };
    return {
      id,
      x,
      y,
      width: bounds[2],
      height: bounds[3],
      title,
      color,
      selected: selection.groups.has(id),
    };
  });
}

function linesOf(source: SceneSource, plates: readonly Plate[]): readonly Line[] {
  const { graph, specs, figures, transient, theme } = source;
  const places = new Map(plates.map((plate) => [plate.id, plate]));
  const end = (id: string, side: "input" | "output", name: string) => {
    const plate = places.get(id);
    const figure = figures.figure(graph, id, specs, transient.previewed.get(id));
    const handle = figure?.box.handles.find((each) => each.side === side && each.name === name);
    return plate === undefined || handle === undefined ? null : [plate.x + handle.x, plate.y + handle.y];
  };
  return graph.links.flatMap(({ from, to }) => {
    const [x1, y1] = end(from.node, "output", from.name) ?? [];
    const [x2, y2] = end(to.node, "input", to.name) ?? [];
    if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return [];
    const type = figures.outputType(graph, from.node, from.name, specs);
    return [{ x1, y1, x2, y2, color: socketStyle(type)[theme] }];
  });
}
