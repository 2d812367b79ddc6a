import { createContext, useContext } from "react";
import type { Problem } from "../model/problem";

/** Everything that is wrong with the document in front: what one sees while editing, and what the last run told. */
export const ProblemsContext = createContext<readonly Problem[]>([]);

export function useProblems(): readonly Problem[] {
  return useContext(ProblemsContext);
}
