import { useCallback, useSyncExternalStore } from "react";
import type { Problem } from "../model/problem";
import { graphAt, runId } from "../model/path";
import type { DocumentState } from "../state/document";
import { type NodeStatus, type RunsState, IDLE, resultsOf, statusInside } from "../state/runs";
import { useCatalog, useDocument, useRuns, useStudio } from "../ui/editor";
import { useProblemsOf } from "../ui/problems";
import { useCanvasModel } from "./state";

/** What the last run did or does with a node of the graph in front. */
export function useStatus(id: string): NodeStatus {
  const { document, runs } = useStudio();
  const subscribe = useCallback(
    (changed: () => void) => {
      const stops = [document.store.subscribe(changed), runs.store.subscribe(changed)];
      return () => stops.forEach((stop) => stop());
    },
    [document, runs],
  );
  return useSyncExternalStore(subscribe, () =>
    statusIn(document.store.getState(), runs.store.getState(), id),
  );
}

export function statusIn(
  { key, path, graph, workflow }: DocumentState,
  runs: RunsState,
  id: string,
): NodeStatus {
  const { nodes } = resultsOf(runs, key);
  if (nodes.size === 0) return IDLE;
  const name = runId(path, id);
  const isInstance = workflow.subgraphs.has(graph.nodes.get(id)?.type ?? "");
  return isInstance ? statusInside(nodes, name) : (nodes.get(name) ?? IDLE);
}

export function useNodeProblems(id: string): readonly Problem[] {
  return useProblemsOf(useDocument((state) => runId(state.path, id)));
}

export function useNodeName(id: string): string {
  const { figures, specs } = useCanvasModel();
  const catalog = useCatalog((state) => state.specs);
  return useDocument(({ graph, workflow }) => figures.name(graph, id, specs(workflow, catalog)));
}

export function describeStatus(status: NodeStatus): string {
  switch (status.kind) {
    case "running":
      return status.total > 0 ? `running, step ${status.done} of ${status.total}` : "running";
    case "idle":
      return "";
    case "failed":
      return "failed";
    default:
      return status.kind;
  }
}

const FRESH: ReadonlySet<string> = new Set();

/** Whether the node's last result no longer fits what is on the canvas. */
export function useStale(id: string): boolean {
  const { figures } = useCanvasModel();
  const key = useDocument((state) => state.key);
  const before = useRuns((state) => resultsOf(state, key).submitted);
  return useDocument(({ graph, path }) =>
    (before === null ? FRESH : figures.stale(graph, graphAt(before, path))).has(id),
  );
}
