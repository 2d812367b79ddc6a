import type { JSX } from "react";
import type { Problem } from "../model/problem";

const SHOWN = 3;

/** What is wrong with a node, said right below it: what, where, and what to do. */
export function NodeProblems({ problems }: { problems: readonly Problem[] }): JSX.Element | null {
  if (problems.length === 0) return null;
  const only = problems.every((problem) => problem.warning);
  return (
    <div className="node-problems nodrag" data-warning={only || undefined} role={only ? "note" : "alert"}>
      {problems.slice(0, SHOWN).map(({ code, message, hint, input }) => (
        <p key={`${code} ${input ?? ""} ${message}`}>
          {message}
          {hint !== "" && <small>{hint}</small>}
        </p>
      ))}
      {problems.length > SHOWN && <small>and {problems.length - SHOWN} more</small>}
    </div>
  );
}
