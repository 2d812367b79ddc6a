import { useState, type JSX } from "react";
import { setTitle } from "../model/edit";
import { useDocument, useStudio } from "../ui/editor";
import { Dialog } from "../ui/dialog";
import { reportSaved } from "./documents";

/** Ask for a name and save under it. */
export function SaveAsDialog(): JSX.Element {
  const studio = useStudio();
  const { document, shell, files } = studio;
  const title = useDocument((state) => state.title);
  const present = useDocument((state) => state.name);
  const [name, setName] = useState(present ?? title);
  const [overwrite, setOverwrite] = useState(false);
  const save = async (): Promise<void> => {
    const wanted = name.trim();
    if (wanted === "") return;
    if (document.store.getState().graph.title === "") {
      document.change("name the workflow", (workflow) => ({
        ...workflow,
        graph: setTitle(workflow.graph, wanted),
      }));
    }
    const saved = await files.save({ name: wanted, overwrite });
    if (saved.kind === "conflict") setOverwrite(true);
    else reportSaved(studio, saved);
  };
  return (
    <Dialog title="Save as" onClose={() => shell.close()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <div className="dialog-content">
          <label className="form-field">
            Name
            <input
              type="text"
              autoFocus
              value={name}
              onFocus={(event) => event.currentTarget.select()}
              onChange={(event) => {
                setName(event.currentTarget.value);
                setOverwrite(false);
              }}
            />
          </label>
          {overwrite && (
            <p className="form-problem" role="alert">
              There is a workflow of that name already, or it was changed elsewhere. Save again to replace it,
              or choose another name.
            </p>
          )}
        </div>
        <div className="dialog-foot">
          <button type="button" className="button" data-quiet onClick={() => shell.close()}>
            Cancel
          </button>
          <button type="submit" className="button" data-primary disabled={name.trim() === ""}>
            {overwrite ? "Replace" : "Save"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
