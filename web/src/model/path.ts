/** Where in a document one edits: its own graph, or the subgraph reached through these instance nodes. */

import type { Graph, Workflow } from "./workflow";

/** Ids of subgraph instances, outermost first; empty for the document's own graph. */
export type Path = readonly string[];

export const TOP: Path = [];

/** The id of the subgraph a path leads to; null for the document's own graph, undefined if it leads nowhere. */
export function subgraphAt(workflow: Workflow, path: Path): string | null | undefined {
  let graph: Graph = workflow.graph;
  let id: string | null = null;
  for (const step of path) {
    const type = graph.nodes.get(step)?.type;
    const inner = type === undefined ? undefined : workflow.subgraphs.get(type);
    if (type === undefined || inner === undefined) return undefined;
    id = type;
    graph = inner;
  }
  return id;
}

export function graphAt(workflow: Workflow, path: Path): Graph {
  const id = subgraphAt(workflow, path);
  return typeof id === "string" ? (workflow.subgraphs.get(id) ?? workflow.graph) : workflow.graph;
}

/** The document with another graph at that place. Every instance of a subgraph shares it. */
export function withGraphAt(workflow: Workflow, path: Path, graph: Graph): Workflow {
  if (graph === graphAt(workflow, path)) return workflow;
  const id = subgraphAt(workflow, path);
  if (typeof id !== "string") return { ...workflow, graph };
  return { ...workflow, subgraphs: new Map(workflow.subgraphs).set(id, graph) };
}

/** The longest part of a path that still leads somewhere. */
export function existingPath(workflow: Workflow, path: Path): Path {
  const valid = path.findIndex((_, at) => subgraphAt(workflow, path.slice(0, at + 1)) === undefined);
  return valid === -1 ? path : path.slice(0, valid);
}

/** The id by which a run's events name a node of the graph at a path: `outer:inner`. */
export function runId(path: Path, node: string): string {
  return [...path, node].join(":");
}

/** A node of a document, and the graph it stands in. */
export interface Place {
  readonly path: Path;
  readonly node: string;
}

/** Where the name leads by which a run knows a node. Ids may hold a colon themselves, so the document decides. */
export function placeOf(workflow: Workflow, name: string, path: Path = TOP): Place | null {
  if (subgraphAt(workflow, path) === undefined) return null;
  const { nodes } = graphAt(workflow, path);
  if (nodes.has(name)) return { path, node: name };
  for (const id of nodes.keys()) {
    const found = name.startsWith(`${id}:`)
      ? placeOf(workflow, name.slice(id.length + 1), [...path, id])
      : null;
    if (found !== null) return found;
  }
  return null;
}
