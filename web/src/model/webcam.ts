/** Nodes with a camera: which of their inputs get a new picture before a run. */

import { type Path, type Place, TOP, graphAt } from "./path";
import { valueOf } from "./slots";
import type { NodeSpec, Specs } from "./spec";
import { neededNodes } from "./stale";
import { type Node, type Workflow, linkedInputs, portKey } from "./workflow";

/** The input by which such a node says that it wants one, as in all the field. */
const ON_RUN = "capture_on_queue";

/** What a run is refused with while a camera that it needs is off. */
export const CAMERA_OFF = "camera_off";

/** A subgraph that holds itself has no end. */
const DEEPEST = 12;

/** An input that names a picture of the camera, and where its node stands. */
export interface Shot extends Place {
  readonly input: string;
}

/** Whether a node wants a new picture at each run. */
export function capturesOnRun(node: Node, spec: NodeSpec): boolean {
  const input = spec.inputs.find(({ name }) => name === ON_RUN);
  return input !== undefined && valueOf(node, input) === true;
}

/** The pictures to take before a run: those of the nodes it needs, also inside of subgraphs. */
export function shotsFor(
  workflow: Workflow,
  specs: Specs,
  targets: readonly string[] | null,
): readonly Shot[] {
  return shotsIn(workflow, specs, TOP, targets, new Set());
}

function shotsIn(
  workflow: Workflow,
  specs: Specs,
  path: Path,
  targets: readonly string[] | null,
  fed: ReadonlySet<string>,
): readonly Shot[] {
  if (path.length > DEEPEST) return [];
  const graph = graphAt(workflow, path);
  return [...neededNodes(graph, specs, targets)].flatMap((id) => {
    const node = graph.nodes.get(id);
    const spec = node && specs.get(node.type);
    if (node === undefined || spec === undefined) return [];
    const inner = workflow.subgraphs.get(node.type);
    if (inner !== undefined) {
      const given = new Set(inner.inputs.flatMap((named) => named.targets.map(portKey)));
      const ends = inner.outputs.map(({ source }) => source.node);
      return shotsIn(workflow, specs, [...path, id], ends, given);
    }
    if (!capturesOnRun(node, spec)) return [];
    const wired = linkedInputs(graph, id);
    return spec.inputs
      .filter(({ name, widget }) => widget?.kind === "webcam" && !wired.has(name))
      .filter(({ name }) => !fed.has(portKey({ node: id, name })))
      .map(({ name }) => ({ path, node: id, input: name }));
  });
}
