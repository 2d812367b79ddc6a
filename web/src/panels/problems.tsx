import type { JSX } from "react";
import { graphAt, placeOf } from "../model/path";
import type { Specs } from "../model/spec";
import type { Workflow } from "../model/workflow";
import { nodeTitleIn } from "../ui/names";
import { useCatalog, useDocument, useStudio } from "../ui/editor";
import { goTo } from "../ui/go";
import { Icon } from "../ui/icon";
import { useProblems } from "../ui/problems";
import { PanelHead } from "./panel";

/** Everything that is wrong, each with its place: press to go there. */
export function Problems(): JSX.Element {
  const studio = useStudio();
  const { shell } = studio;
  const problems = useProblems();
  const workflow = useDocument((state) => state.workflow);
  const specs = useCatalog((state) => state.specs);
  return (
    <section className="problems" aria-label="Problems" data-region>
      <PanelHead title="Problems" onClose={() => shell.set({ problems: false })} />
      {problems.length === 0 && <p className="panel-nothing">Nothing is wrong.</p>}
      <ul>
        {problems.map(({ code, node, input, message, hint, warning }) => (
          <li key={`${code} ${node ?? ""} ${input ?? ""} ${message}`}>
            <button
              type="button"
              className="problem"
              data-warning={warning || undefined}
              onClick={() => {
                if (node !== null) goTo(studio, node, input);
              }}
            >
              <Icon name="alert" size={14} />
              <span>
                {message} {hint !== "" && <small>{hint}</small>}
              </span>
              {node !== null && (
                <em>
                  {placeName(workflow, node, specs)}
                  {input !== null && ` › ${input}`}
                </em>
              )}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `Upscale › KSampler`: the subgraphs on the way, then the node. */
function placeName(workflow: Workflow, name: string, specs: Specs): string {
  const place = placeOf(workflow, name);
  if (place === null) return name;
  const outer = place.path.map((id, at) =>
    nodeTitleIn(graphAt(workflow, place.path.slice(0, at)), id, specs),
  );
  return [...outer, nodeTitleIn(graphAt(workflow, place.path), place.node, specs)].join(" › ");
}
