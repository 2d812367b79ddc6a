import { useEffect } from "react";
import { useStudio } from "../ui/editor";
import { copiedText, pasteText } from "./clipboard";
import { removeSelected } from "./commands-edit";
import { takeFile } from "./incoming";
import { takesText } from "./keymap";

/** The browser's own copy, cut and paste, wherever no text is meant. What is copied is readable JSON. */
export function useClipboard(): void {
  const studio = useStudio();
  useEffect(() => {
    const meansText = (): boolean =>
      takesText(document.activeElement) || window.getSelection()?.isCollapsed === false;
    const copy = (event: ClipboardEvent): void => {
      const text = meansText() ? null : copiedText(studio);
      if (text === null) return;
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
      if (event.type === "cut") removeSelected(studio);
    };
    const paste = (event: ClipboardEvent): void => {
      if (
        takesText(document.activeElement) ||
        document.activeElement?.classList.contains("file-drop") === true
      )
        return;
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const file = event.clipboardData?.files[0];
      if (pasteText(studio, text)) event.preventDefault();
      else if (text.trimStart().startsWith("{"))
        void studio.files.import(new Blob([text]), "Pasted workflow");
      else if (file !== undefined) void takeFile(studio, file, null);
    };
    window.addEventListener("copy", copy);
    window.addEventListener("cut", copy);
    window.addEventListener("paste", paste);
    return () => {
      window.removeEventListener("copy", copy);
      window.removeEventListener("cut", copy);
      window.removeEventListener("paste", paste);
    };
  }, [studio]);
}
