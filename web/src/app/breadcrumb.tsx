import type { JSX } from "react";
import { useDocument, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { TOP, graphAt } from "../model/path";

/** Inside a subgraph: where one is, and the way back. */
export function Breadcrumb(): JSX.Element | null {
  const { document, shell } = useStudio();
  const path = useDocument((state) => state.path);
  const workflow = useDocument((state) => state.workflow);
  const title = useDocument((state) => state.title);
  if (path.length === 0) return null;
  const steps = path.map((id, at) => {
    const inner = graphAt(workflow, path.slice(0, at + 1));
    const name = graphAt(workflow, path.slice(0, at)).nodes.get(id)?.title ?? inner.title;
    return { name: name === "" ? "Subgraph" : name, path: path.slice(0, at + 1) };
  });
  return (
    <nav className="breadcrumb" aria-label="Breadcrumb" data-region>
      {[{ name: title, path: TOP }, ...steps].map((step, at, all) => (
        <span key={step.path.join("\n")}>
          {at > 0 && <Icon name="chevron_right" size={12} />}
          <button
            type="button"
            aria-current={at === all.length - 1 ? "location" : undefined}
            onClick={() => {
              document.enter(step.path);
              shell.store.getState().viewport?.focusCanvas();
            }}
          >
            {step.name}
          </button>
        </span>
      ))}
    </nav>
  );
}
