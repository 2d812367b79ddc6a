import { NodeResizeControl, type NodeProps } from "@xyflow/react";
import { memo, useState, type CSSProperties, type JSX } from "react";
import { changeNote } from "../model/edit";
import { useDocument, useStudio } from "../ui/editor";
import { Markdown } from "../ui/markdown";
import { idOf } from "./flow";
import { tintOf } from "./tint";

/** Text on the canvas. A double click edits it; leaving shows it again. */
export const NoteView = memo(function NoteView({ id: key, selected }: NodeProps): JSX.Element | null {
  const id = idOf(key);
  const { document } = useStudio();
  const note = useDocument(({ graph }) => graph.notes.find((each) => each.id === id));
  const [editing, setEditing] = useState(false);
  if (note === undefined) return null;
  const open = editing || note.text === "";
  const tint = tintOf(note.color);
  const style: CSSProperties & { "--tint"?: string } = tint === undefined ? {} : { "--tint": tint };
  return (
    <section
      className="note"
      aria-label="Note"
      tabIndex={-1}
      data-selected={selected || undefined}
      style={style}
      onDoubleClick={() => setEditing(true)}
    >
      <div className="note-head" />
      {open ? (
        <textarea
          className="nodrag nowheel"
          aria-label="Note text"
          autoFocus
          placeholder="Write here. Markdown works."
          defaultValue={note.text}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
          onBlur={(event) => {
            const text = event.currentTarget.value;
            setEditing(false);
            if (text !== note.text) document.apply("edit a note", (graph) => changeNote(graph, id, { text }));
          }}
        />
      ) : (
        <Markdown text={note.text} />
      )}
      <NodeResizeControl className="node-resize" position="bottom-right" minWidth={120} minHeight={60} />
    </section>
  );
});
