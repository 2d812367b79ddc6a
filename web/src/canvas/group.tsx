import { NodeResizeControl, type NodeProps } from "@xyflow/react";
import { memo, type CSSProperties, type JSX } from "react";
import { changeGroup } from "../model/edit";
import { useDocument, useShell, useStudio } from "../ui/editor";
import { idOf } from "./flow";
import { tintOf } from "./tint";
import { Rename } from "./rename";

/** A titled frame. It is moved by its title, with what lies in it. */
export const GroupView = memo(function GroupView({ id: key, selected }: NodeProps): JSX.Element | null {
  const id = idOf(key);
  const { document, shell } = useStudio();
  const group = useDocument(({ graph }) => graph.groups.find((each) => each.id === id));
  const renaming = useShell((state) => state.renaming === key);
  if (group === undefined) return null;
  const tint = tintOf(group.color);
  const style: CSSProperties & { "--tint"?: string } = tint === undefined ? {} : { "--tint": tint };
  return (
    <section
      className="group"
      aria-label={`Group ${group.title}`}
      data-selected={selected || undefined}
      style={style}
    >
      <header className="group-head" onDoubleClick={() => shell.set({ renaming: key })}>
        {renaming ? (
          <Rename
            label="Group title"
            value={group.title}
            onDone={(title) => {
              shell.set({ renaming: null });
              if (title !== null && title !== group.title)
                document.apply("rename a group", (graph) => changeGroup(graph, id, { title }));
            }}
          />
        ) : (
          group.title
        )}
      </header>
      <NodeResizeControl className="node-resize" position="bottom-right" minWidth={120} minHeight={80} />
    </section>
  );
});
