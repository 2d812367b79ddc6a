import type { JSX } from "react";
import { useCatalog, useDocument, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { commandNamed } from "./commands";

/** Nothing here yet: the three ways to begin. */
export function EmptyCanvas(): JSX.Element | null {
  const studio = useStudio();
  const empty = useDocument(({ graph }) => graph.nodes.size + graph.notes.length + graph.groups.length === 0);
  const phase = useCatalog((state) => state.phase);
  if (!empty) return null;
  const add = (): void => {
    const view = studio.shell.store.getState().viewport;
    const box = document.querySelector(".canvas")?.getBoundingClientRect();
    if (view === null || box === undefined) return;
    const at = { x: box.left + box.width / 2 - 180, y: box.top + box.height / 4 };
    studio.shell.open({
      kind: "nodes",
      at,
      position: view.toFlow({ x: at.x + 180, y: at.y + 140 }),
      end: null,
    });
  };
  return (
    <section className="empty" aria-label="Begin">
      <h2>An empty sheet</h2>
      <div className="empty-ways">
        <button
          type="button"
          onClick={() =>
            studio.shell.store.getState().panel !== "workflows" && studio.shell.panel("workflows")
          }
        >
          <Icon name="workflow" size={22} />
          <b>Start from a template</b>
          <span>Workflows that run as they are</span>
        </button>
        <button type="button" disabled={phase !== "ready"} onClick={add}>
          <Icon name="add" size={22} />
          <b>Add a node</b>
          <span>
            Double-click, or press <kbd>Space</kbd>
          </span>
        </button>
        <button type="button" onClick={() => commandNamed("open").run(studio)}>
          <Icon name="open" size={22} />
          <b>Open a file</b>
          <span>Or drop a picture, video or JSON here</span>
        </button>
      </div>
    </section>
  );
}
