import { useState, type JSX } from "react";
import { Dialog } from "../ui/dialog";
import { useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import type { Overlay } from "../ui/shell";
import { kindOf, loadFile } from "./incoming";

/** A picture or video that came with the workflow it was made by: ask which of the two is wanted. */
export function DroppedDialog({ overlay }: { overlay: Extract<Overlay, { kind: "dropped" }> }): JSX.Element {
  const studio = useStudio();
  const { file, imported, at } = overlay;
  const [always, setAlways] = useState(false);
  const word = kindOf(file) ?? "picture";
  const close = (): void => studio.shell.close();
  const choose = (choice: "open" | "load"): void => {
    close();
    if (always) studio.settings.set({ droppedPicture: choice });
    if (choice === "open") studio.files.openImported(imported, file.name);
    else void loadFile(studio, file, at);
  };
  return (
    <Dialog title={`This ${word} holds a workflow`} onClose={close}>
      <div className="dialog-content">
        <p>
          <b>{file.name === "" ? `The ${word}` : file.name}</b> carries the workflow it was made by.
        </p>
        <label className="form-check">
          <input type="checkbox" checked={always} onChange={() => setAlways(!always)} /> Do the same with
          every such file
        </label>
      </div>
      <div className="dialog-foot">
        <button type="button" className="button" onClick={() => choose("load")}>
          <Icon name="asset" size={14} /> Load as a {word}
        </button>
        <button type="button" className="button" data-primary autoFocus onClick={() => choose("open")}>
          <Icon name="workflow" size={14} /> Open the workflow
        </button>
      </div>
    </Dialog>
  );
}
