import { useStore } from "zustand";
import type { Problem } from "../model/problem";
import { useStudio } from "./editor";

const NONE: readonly Problem[] = [];

/** Everything that is wrong with the document in front. */
export function useProblems(): readonly Problem[] {
  return useStore(useStudio().faults, (faults) => faults.problems);
}

/** What is wrong with one node, by the id a run knows it by. */
export function useProblemsOf(node: string): readonly Problem[] {
  return useStore(useStudio().faults, (faults) => faults.byNode.get(node) ?? NONE);
}
