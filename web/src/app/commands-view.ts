/** Commands that change what is seen, and nothing of the document. */

import type { Studio } from "../ui/editor";
import type { PanelName } from "../ui/shell";
import type { Command } from "./command";

function viewport(studio: Studio) {
  return studio.shell.store.getState().viewport;
}

function chosen(studio: Studio): ReadonlySet<string> {
  return studio.document.store.getState().selection.nodes;
}

function panel(id: PanelName, label: string, key: string): Command {
  return { id: `panel_${id}`, label, section: "View", keys: [key], run: (studio) => studio.shell.panel(id) };
}

export const VIEW_COMMANDS: readonly Command[] = [
  {
    id: "add",
    label: "Add a node",
    section: "Nodes",
    icon: "add",
    keys: ["Tab", "Shift+A"],
    run: (studio) => {
      const view = viewport(studio);
      if (view === null) return;
      const at = view.pointer();
      studio.shell.open({ kind: "nodes", at, position: view.toFlow(at), end: null });
    },
  },
  {
    id: "find",
    label: "Find in the graph",
    section: "View",
    icon: "search",
    keys: ["Ctrl+F"],
    everywhere: true,
    run: (studio) => studio.shell.open({ kind: "find" }),
  },
  {
    id: "fit",
    label: "Fit the selection or all",
    section: "View",
    icon: "fit",
    keys: ["."],
    run: (studio) => viewport(studio)?.fit(chosen(studio)),
  },
  {
    id: "zoom_in",
    label: "Zoom in",
    section: "View",
    icon: "add",
    keys: ["Alt+="],
    run: (studio) => viewport(studio)?.zoomBy(1.25),
  },
  {
    id: "zoom_out",
    label: "Zoom out",
    section: "View",
    icon: "minus",
    keys: ["Alt+-"],
    run: (studio) => viewport(studio)?.zoomBy(0.8),
  },
  {
    id: "zoom_100",
    label: "Zoom to 100 %",
    section: "View",
    keys: ["Alt+0"],
    run: (studio) => viewport(studio)?.zoomTo(1),
  },
  panel("nodes", "Nodes panel", "N"),
  panel("models", "Models panel", "M"),
  panel("workflows", "Workflows panel", "W"),
  panel("assets", "Assets panel", "A"),
  panel("queue", "Queue panel", "Q"),
  {
    id: "inspector",
    label: "Inspector",
    section: "View",
    icon: "inspector",
    keys: ["I"],
    run: ({ settings }) => settings.set({ inspector: !settings.store.getState().inspector }),
  },
  {
    id: "problems",
    label: "Problems",
    section: "View",
    icon: "alert",
    keys: ["Ctrl+`"],
    run: ({ shell }) => shell.set({ problems: !shell.store.getState().problems }),
  },
  {
    id: "minimap",
    label: "Minimap",
    section: "View",
    icon: "map",
    keys: ["Alt+Shift+M"],
    run: ({ settings }) => settings.set({ minimap: !settings.store.getState().minimap }),
  },
  {
    id: "snap",
    label: "Snap to the grid",
    section: "View",
    keys: [],
    run: ({ settings }) => settings.set({ snap: !settings.store.getState().snap }),
  },
  {
    id: "tags",
    label: "Letters on sockets",
    section: "View",
    keys: [],
    run: ({ settings }) => settings.set({ showTags: !settings.store.getState().showTags }),
  },
  { id: "hand", label: "Hand", section: "View", keys: ["H"], run: ({ shell }) => shell.set({ hand: true }) },
  {
    id: "arrow",
    label: "Select mode",
    section: "View",
    keys: ["V"],
    run: ({ shell }) => shell.set({ hand: false }),
  },
  {
    id: "trackpad",
    label: "Wheel zooms or pans",
    section: "View",
    keys: [],
    run: ({ settings, notices }) => {
      const pointer = settings.store.getState().pointer === "trackpad" ? "mouse" : "trackpad";
      settings.set({ pointer });
      notices.info(
        pointer === "trackpad"
          ? "The wheel pans now, as on a trackpad."
          : "The wheel zooms now, as with a mouse.",
      );
    },
  },
  {
    id: "theme",
    label: "Light or dark",
    section: "View",
    icon: "moon",
    keys: [],
    run: ({ settings, shell }) => settings.set({ theme: shell.store.getState().light ? "dark" : "light" }),
  },
  {
    id: "refresh",
    label: "Refresh node and model lists",
    section: "View",
    icon: "refresh",
    keys: ["R"],
    run: ({ catalog }) => void catalog.refresh(),
  },
];
