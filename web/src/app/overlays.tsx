import type { JSX } from "react";
import { useShell, useStudio } from "../ui/editor";
import { Menu } from "../ui/menu";
import { AboutDialog } from "./about";
import { CommandPalette } from "./command-palette";
import { ConnectList } from "./connect-list";
import { DroppedDialog } from "./dropped";
import { FindPalette } from "./find-palette";
import { NodePalette } from "./node-palette";
import { SaveAsDialog } from "./save-as";
import { SettingsDialog } from "./settings";
import { ShortcutsDialog } from "./shortcuts";
import { Viewer } from "../panels/viewer";

/** The one thing that may lie over the window. */
export function Overlays(): JSX.Element | null {
  const { shell } = useStudio();
  const overlay = useShell((state) => state.overlay);
  if (overlay === null) return null;
  switch (overlay.kind) {
    case "nodes":
      return <NodePalette overlay={overlay} />;
    case "connect":
      return <ConnectList overlay={overlay} />;
    case "menu":
      return (
        <Menu
          key={overlay.label}
          label={overlay.label}
          at={overlay.at}
          entries={overlay.entries}
          onClose={() => {
            if (shell.store.getState().overlay === overlay) shell.close();
          }}
        />
      );
    case "dropped":
      return <DroppedDialog overlay={overlay} />;
    case "viewer":
      return <Viewer pictures={overlay.pictures} index={overlay.index} />;
    case "commands":
      return <CommandPalette />;
    case "find":
      return <FindPalette />;
    case "shortcuts":
      return <ShortcutsDialog />;
    case "about":
      return <AboutDialog />;
    case "settings":
      return <SettingsDialog />;
    case "save_as":
      return <SaveAsDialog />;
    default:
      return overlay satisfies never;
  }
}
