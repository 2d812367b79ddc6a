import { useEffect, useState, type JSX } from "react";
import { useStudio } from "../ui/editor";
import { takeFile } from "./incoming";

/** Files dropped anywhere on the page are opened. */
export function Dropzone(): JSX.Element | null {
  const studio = useStudio();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true;
    const drag = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      setOver(false);
      if (!hasFiles(event) || event.defaultPrevented) return;
      event.preventDefault();
      const at = { x: event.clientX, y: event.clientY };
      for (const file of event.dataTransfer?.files ?? []) void takeFile(studio, file, at);
    };
    window.addEventListener("dragover", drag);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", drag);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, [studio]);
  return over ? (
    <div className="dropzone" aria-hidden="true">
      <p>Drop to open a workflow, or to load a picture or video</p>
    </div>
  ) : null;
}
