import type { JSX } from "react";
import { useConnection, useStudio } from "../ui/editor";
import { Dialog } from "../ui/dialog";

export function AboutDialog(): JSX.Element {
  const { shell } = useStudio();
  const version = useConnection((state) => state.system?.version ?? "");
  return (
    <Dialog title="About Photogram" className="about" onClose={() => shell.close()}>
      <div className="dialog-content">
        <p>
          A photogram is a picture made with light and no camera: things are laid on the paper, and the light
          does the rest. Here the things are nodes.
        </p>
        <p className="about-small">
          {version !== "" && `Version ${version}. `}Apache License 2.0. The canvas is drawn with React Flow
          (xyflow), MIT. Letters: Inter, SIL Open Font License.
        </p>
      </div>
    </Dialog>
  );
}
