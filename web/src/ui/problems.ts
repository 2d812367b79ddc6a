import { useMemo } from "react";
import type { Problem } from "../model/problem";
import { resultsOf } from "../state/runs";
import { useDocument, useRuns } from "./editor";

/** Everything that is wrong with the document in front, as the last run or its refusal told. */
export function useProblems(): readonly Problem[] {
  const key = useDocument((state) => state.key);
  const problems = useRuns((state) => resultsOf(state, key).problems);
  return useMemo(() => problems, [problems]);
}
