import type { JSX } from "react";
import { setValue } from "../model/edit";
import { entry, isList } from "../model/json";
import type { NamedInput } from "../model/workflow";
import { useDocument, useStudio } from "../ui/editor";
import { commandNamed } from "./commands";

/** Words to try, where a workflow comes with some: one click writes them and runs. They leave with one's own words. */
export function Examples(): JSX.Element | null {
  const named = useDocument(({ graph }) => graph.inputs.find((each) => examplesOf(each).length > 0));
  return named === undefined ? null : <ExampleRow named={named} />;
}

function ExampleRow({ named }: { named: NamedInput }): JSX.Element | null {
  const studio = useStudio();
  const examples = examplesOf(named);
  const value = useDocument(({ graph }) => {
    const [target] = named.targets;
    return target && graph.nodes.get(target.node)?.inputs.get(target.name);
  });
  if (!examples.some((example) => example === value)) return null;
  const tryOut = (example: string): void => {
    studio.document.apply(`try “${example}”`, (graph) =>
      named.targets.reduce((changed, port) => setValue(changed, port.node, port.name, example), graph),
    );
    commandNamed("run").run(studio);
  };
  return (
    <div
      className="examples"
      role="group"
      aria-label={`Examples for ${named.title ?? named.name}`}
      data-region
    >
      <span>Try</span>
      {examples.map((example) => (
        <button key={example} type="button" aria-pressed={example === value} onClick={() => tryOut(example)}>
          {example}
        </button>
      ))}
    </div>
  );
}

function examplesOf({ extra }: NamedInput): readonly string[] {
  const examples = entry(extra, "examples");
  return isList(examples) ? examples.filter((each) => typeof each === "string") : [];
}
