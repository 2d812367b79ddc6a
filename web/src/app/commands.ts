/** The table of everything a person can do. */


import type { Studio } from "../ui/editor";
import type { PanelName } from "../ui/shell";
import type { Command } from "./command";
import { EDIT_COMMANDS } from "./commands-edit";
import { chooseFile, download, nameless, reportSaved } from "./documents";

function viewport(studio: Studio) {
  return studio.shell.store.getState().viewport;
}

function chosen(studio: Studio): ReadonlySet<string> {
  return studio.document.store.getState().selection.nodes;
}

const RUN_COMMANDS: readonly Command[] = [
  { id: "run", label: "Run", section: "Run", icon: "play", keys: ["Ctrl+Enter"], everywhere: true, run: (studio) => void studio.submit.run() },
  { id: "run_front", label: "Run first in queue", section: "Run", keys: ["Ctrl+Shift+Enter"], everywhere: true, run: (studio) => void studio.submit.run({ front: true }) },
  {
    id: "run_to",
    label: "Run up to here",
    section: "Run",
    icon: "target",
    keys: ["Ctrl+E"],
    enabled: (studio) => chosen(studio).size > 0,
    run: (studio) => void studio.submit.run({ targets: [...chosen(studio)] }),
  },
  {
    id: "stop",
    label: "Stop",
    section: "Run",
    icon: "stop",
    keys: ["Ctrl+Alt+Enter"],
    everywhere: true,
    enabled: (studio) => studio.runs.store.getState().running > 0,
    run: (studio) => void studio.submit.cancelCurrent(),
  },
  {
    id: "cancel_queued",
    label: "Cancel everything that waits",
    section: "Run",
    keys: [],
    enabled: (studio) => studio.runs.store.getState().queued > 0,
    run: (studio) => void studio.submit.cancelQueued(),
  },
];

function panel(id: PanelName, label: string, key: string): Command {
  return { id: `panel_${id}`, label, section: "View", keys: [key], run: (studio) => studio.shell.panel(id) };
}

const VIEW_COMMANDS: readonly Command[] = [
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
  { id: "find", label: "Find in the graph", section: "View", icon: "search", keys: ["Ctrl+F"], everywhere: true, run: (studio) => studio.shell.open({ kind: "find" }) },
  { id: "fit", label: "Fit the selection or all", section: "View", icon: "fit", keys: ["."], run: (studio) => viewport(studio)?.fit(chosen(studio)) },
  { id: "zoom_in", label: "Zoom in", section: "View", icon: "add", keys: ["Alt+="], run: (studio) => viewport(studio)?.zoomBy(1.25) },
  { id: "zoom_out", label: "Zoom out", section: "View", icon: "minus", keys: ["Alt+-"], run: (studio) => viewport(studio)?.zoomBy(0.8) },
  { id: "zoom_100", label: "Zoom to 100 %", section: "View", keys: ["Alt+0"], run: (studio) => viewport(studio)?.zoomTo(1) },
  panel("nodes", "Nodes panel", "N"),
  panel("models", "Models panel", "M"),
  panel("workflows", "Workflows panel", "W"),
  panel("assets", "Assets panel", "A"),
  panel("queue", "Queue panel", "Q"),
  { id: "inspector", label: "Inspector", section: "View", icon: "inspector", keys: ["I"], run: ({ settings }) => settings.set({ inspector: !settings.store.getState().inspector }) },
  { id: "problems", label: "Problems", section: "View", icon: "alert", keys: ["Ctrl+`"], run: ({ shell }) => shell.set({ problems: !shell.store.getState().problems }) },
  { id: "minimap", label: "Minimap", section: "View", icon: "map", keys: ["Alt+Shift+M"], run: ({ settings }) => settings.set({ minimap: !settings.store.getState().minimap }) },
  { id: "snap", label: "Snap to the grid", section: "View", keys: [], run: ({ settings }) => settings.set({ snap: !settings.store.getState().snap }) },
  { id: "tags", label: "Letters on sockets", section: "View", keys: [], run: ({ settings }) => settings.set({ showTags: !settings.store.getState().showTags }) },
  { id: "hand", label: "Hand", section: "View", keys: ["H"], run: ({ shell }) => shell.set({ hand: true }) },
  { id: "arrow", label: "Select mode", section: "View", keys: ["V"], run: ({ shell }) => shell.set({ hand: false }) },
  {
    id: "trackpad",
    label: "Wheel zooms or pans",
    section: "View",
    keys: [],
    run: ({ settings, notices }) => {
      const pointer = settings.store.getState().pointer === "trackpad" ? "mouse" : "trackpad";
      settings.set({ pointer });
      notices.info(pointer === "trackpad" ? "The wheel pans now, as on a trackpad." : "The wheel zooms now, as with a mouse.");
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
  { id: "refresh", label: "Refresh node and model lists", section: "View", icon: "refresh", keys: ["R"], run: ({ catalog }) => void catalog.refresh() },
];

const DOCUMENT_COMMANDS: readonly Command[] = [
  { id: "new", label: "New workflow", section: "Document", icon: "file", keys: [], run: ({ document }) => void document.blank() },
  { id: "open", label: "Open a file…", section: "Document", icon: "open", keys: ["Ctrl+O"], everywhere: true, run: chooseFile },
  {
    id: "save",
    label: "Save",
    section: "Document",
    icon: "save",
    keys: ["Ctrl+S"],
    everywhere: true,
    run: (studio) => (nameless(studio) ? studio.shell.open({ kind: "save_as" }) : void studio.files.save().then((saved) => reportSaved(studio, saved))),
  },
  { id: "save_as", label: "Save as…", section: "Document", keys: ["Ctrl+Shift+S"], everywhere: true, run: ({ shell }) => shell.open({ kind: "save_as" }) },
  { id: "download", label: "Download as JSON", section: "Document", icon: "download", keys: [], run: download },
  { id: "close", label: "Close this workflow", section: "Document", keys: [], run: ({ document }) => document.close(document.store.getState().key) },
  { id: "reopen", label: "Reopen the closed workflow", section: "Document", keys: [], run: ({ document }) => document.reopen() },
];

const HELP_COMMANDS: readonly Command[] = [
  { id: "commands", label: "Every command", section: "Help", icon: "search", keys: ["Ctrl+K"], everywhere: true, run: ({ shell }) => shell.open({ kind: "commands" }) },
  { id: "shortcuts", label: "Keyboard shortcuts", section: "Help", icon: "help", keys: ["?", "Ctrl+Shift+K"], run: ({ shell }) => shell.open({ kind: "shortcuts" }) },
  { id: "about", label: "About Photogram", section: "Help", keys: [], run: ({ shell }) => shell.open({ kind: "about" }) },
];

export const COMMANDS: readonly Command[] = [
  ...RUN_COMMANDS,
  ...EDIT_COMMANDS,
  ...VIEW_COMMANDS,
  ...DOCUMENT_COMMANDS,
  ...HELP_COMMANDS,
];

export function commandNamed(id: string): Command {
  const found = COMMANDS.find((command) => command.id === id);
  if (found === undefined) throw new Error(`There is no command "${id}".`);
  return found;
}
