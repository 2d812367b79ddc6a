import type { JSX } from "react";
import { examplesIn, tried } from "../model/examples";
import { useDocument, useStudio } from "../ui/editor";
import { commandNamed } from "./commands";

/** Words to try, where a workflow comes with some: one click writes them and runs. They leave with one's own words. */
export function Examples(): JSX.Element | null {
  const studio = useStudio();
  const examples = examplesIn(useDocument(({ graph }) => graph));
  if (examples === null) return null;
  const { named, texts, present } = examples;
  const tryOut = (text: string): void => {
    studio.document.apply(`try “${text}”`, (graph) => tried(graph, named, text));
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
      {texts.map((text) => (
        <button key={text} type="button" aria-pressed={text === present} onClick={() => tryOut(text)}>
          {text}
        </button>
      ))}
    </div>
  );
}
