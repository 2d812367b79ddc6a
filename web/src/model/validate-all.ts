/** The faults of a whole document: its own graph, and the inside of each subgraph where it is used. */

import { type Path, runId } from "./path";
import type { Problem } from "./problem";
import type { Specs } from "./spec";
import { type Folders, validate } from "./validate";
import { type Graph, type Workflow, portKey } from "./workflow";

const DEEPEST = 12;
const MOST = 500;

/** Nodes inside of subgraphs are named as a run names them: `outer:inner`. */
export function validateAll(workflow: Workflow, specs: Specs, folders: Folders): readonly Problem[] {
  const found: Problem[] = [...validate(workflow.graph, specs, folders)];
  if (workflow.subgraphs.size > 0) enter(workflow, workflow.graph, [], specs, folders, found);
  return found;
}

function enter(
  workflow: Workflow,
  graph: Graph,
  path: Path,
  specs: Specs,
  folders: Folders,
  found: Problem[],
): void {
  if (path.length >= DEEPEST) return;
  for (const [id, node] of graph.nodes) {
    const inner = workflow.subgraphs.get(node.type);
    if (inner === undefined || node.state !== "on" || found.length > MOST) continue;
    const within = [...path, id];
    const fed = new Set(inner.inputs.flatMap(({ targets }) => targets.map(portKey)));
    const ends = inner.outputs.map(({ source }) => source.node);
    for (const problem of validate(inner, specs, folders, ends)) {
      const { node: at, input } = problem;
      if (at === null || (input !== null && fed.has(portKey({ node: at, name: input })))) continue;
      found.push({ ...problem, node: runId(within, at) });
    }
    enter(workflow, inner, within, specs, folders, found);
  }
}
