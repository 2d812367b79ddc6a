/** Opening and saving, as far as the browser's own windows take part. */

import type { Saved } from "../state/files";
import type { Studio } from "../ui/editor";

export function nameless({ document }: Studio): boolean {
  return document.store.getState().name === null;
}

/** Tell how saving went; what only needs a word more asks for it. */
export function reportSaved(studio: Studio, saved: Saved): void {
  switch (saved.kind) {
    case "saved":
      studio.shell.close();
      studio.notices.info(`Saved as ${saved.name}.`);
      return;
    case "nameless":
      studio.shell.open({ kind: "save_as" });
      return;
    case "conflict":
      studio.notices.error(
        `"${saved.name}" was changed elsewhere, or is taken.`,
        "Choose Save as and another name, or save over it there.",
      );
      studio.shell.open({ kind: "save_as" });
      return;
    case "failed":
      return;
    default:
      saved satisfies never;
  }
}

/** Ask for a file of this computer and open the workflow in it. */
export function chooseFile(studio: Studio): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".json,.png,.webp,.mp4,.webm,application/json,image/png,image/webp,video/mp4,video/webm";
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file !== undefined) void studio.files.import(file, file.name);
  });
  input.click();
}

export function download({ files }: Studio): void {
  const { text, name } = files.exported();
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
