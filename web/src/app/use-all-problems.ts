import { useEffect, useMemo, useState } from "react";
import type { Problem } from "../model/problem";
import { specsWith } from "../model/slots";
import { staleNodes } from "../model/stale";
import { validate } from "../model/validate";
import { resultsOf } from "../state/runs";
import { useCatalog, useDocument, useRuns } from "../ui/editor";

/** What one can see without a server; of these the newest look counts. */
const VISIBLE = new Set([
  "unknown_node",
  "missing_input",
  "type_mismatch",
  "value_out_of_range",
  "not_an_option",
  "wrong_kind",
  "missing_file",
  "cycle",
  "dangling_link",
]);
const REST_MS = 200;
const NONE: ReadonlySet<string> = new Set();

/**
 * The faults of the document in front. What a run told about a node goes when that node changes; an input that is
 * simply not wired yet is only a fault once a run was tried.
 */
export function useAllProblems(): readonly Problem[] {
  const key = useDocument((state) => state.key);
  const workflow = useRested(useDocument((state) => state.workflow));
  const catalog = useCatalog((state) => state.specs);
  const folders = useCatalog((state) => state.folders);
  const told = useRuns((state) => resultsOf(state, key).problems);
  const submitted = useRuns((state) => resultsOf(state, key).submitted);
  const seen = useMemo(
    () => (catalog.size === 0 ? [] : validate(workflow.graph, specsWith(workflow, catalog), folders)),
    [workflow, catalog, folders],
  );
  return useMemo(() => {
    const changed = submitted === null ? NONE : staleNodes(workflow.graph, submitted.graph);
    const places = new Set(seen.map(placeOf));
    const stands = (problem: Problem): boolean =>
      VISIBLE.has(problem.code)
        ? places.has(placeOf(problem))
        : problem.node === null || !changed.has(problem.node);
    const standing = told.filter(stands);
    const known = new Set(standing.map(placeOf));
    const fresh = seen.filter(
      (problem) => !known.has(placeOf(problem)) && (told.length > 0 || problem.code !== "missing_input"),
    );
    return [...standing, ...fresh];
  }, [told, seen, submitted, workflow]);
}

/** A value once it has not changed for a moment: looking for faults must not slow down typing. */
function useRested<T>(value: T): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setRested(value), REST_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return rested;
}

function placeOf({ code, node, input }: Problem): string {
  return JSON.stringify([code, node, input]);
}
