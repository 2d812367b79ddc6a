import type { JSX } from "react";
import { nodeTitleIn } from "../ui/names";
import { selectionOf } from "../model/selection";
import { useCatalog, useDocument, useShell, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { useProblems } from "../ui/problems";

/** Everything that is wrong, each with its place: press to go there. */
export function Problems(): JSX.Element {
  const { shell, document } = useStudio();
  const problems = useProblems();
  const graph = useDocument((state) => state.graph);
  const specs = useCatalog((state) => state.specs);
  const viewport = useShell((state) => state.viewport);
  return (
    <section className="problems" aria-label="Problems" data-region>
      <header className="panel-head">
        <h2>Problems</h2>
        <button
          type="button"
          className="icon-button"
          data-small
          aria-label="Close Problems"
          onClick={() => shell.set({ problems: false })}
        >
          <Icon name="close" size={14} />
        </button>
      </header>
      {problems.length === 0 && <p className="panel-nothing">Nothing is wrong.</p>}
      <ul>
        {problems.map(({ code, node, input, message, hint, warning }) => (
          <li key={`${code} ${node ?? ""} ${input ?? ""} ${message}`}>
            <button
              type="button"
              className="problem"
              data-warning={warning || undefined}
              onClick={() => {
                if (node === null || !graph.nodes.has(node)) return;
                document.select(selectionOf({ nodes: new Set([node]) }));
                viewport?.show(node, input);
              }}
            >
              <Icon name="alert" size={14} />
              <span>
                {message} {hint !== "" && <small>{hint}</small>}
              </span>
              {node !== null && (
                <em>
                  {nodeTitleIn(graph, node, specs)}
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
