/** The table of everything a person can do. */

import type { Studio } from "../ui/editor";
import type { Command } from "./command";
import { ARRANGE_COMMANDS } from "./commands-arrange";
import { EDIT_COMMANDS } from "./commands-edit";
import { GO_COMMANDS } from "./commands-go";
import { VIEW_COMMANDS } from "./commands-view";
import { chooseFile, download, nameless, reportSaved } from "./documents";

function chosen(studio: Studio): ReadonlySet<string> {
  return studio.document.store.getState().selection.nodes;
}

const RUN_COMMANDS: readonly Command[] = [
  {
    id: "run",
    label: "Run",
    section: "Run",
    icon: "play",
    keys: ["Ctrl+Enter"],
    everywhere: true,
    run: (studio) => void studio.submit.run(),
  },
  {
    id: "run_front",
    label: "Run first in queue",
    section: "Run",
    keys: ["Ctrl+Shift+Enter"],
    everywhere: true,
    run: (studio) => void studio.submit.run({ front: true }),
  },
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

const DOCUMENT_COMMANDS: readonly Command[] = [
  {
    id: "new",
    label: "New workflow",
    section: "Document",
    icon: "file",
    keys: [],
    run: ({ document }) => void document.blank(),
  },
  {
    id: "open",
    label: "Open a file…",
    section: "Document",
    icon: "open",
    keys: ["Ctrl+O"],
    everywhere: true,
    run: chooseFile,
  },
  {
    id: "save",
    label: "Save",
    section: "Document",
    icon: "save",
    keys: ["Ctrl+S"],
    everywhere: true,
    run: (studio) =>
      nameless(studio)
        ? studio.shell.open({ kind: "save_as" })
        : void studio.files.save().then((saved) => reportSaved(studio, saved)),
  },
  {
    id: "save_as",
    label: "Save as…",
    section: "Document",
    keys: ["Ctrl+Shift+S"],
    everywhere: true,
    run: ({ shell }) => shell.open({ kind: "save_as" }),
  },
  {
    id: "download",
    label: "Download as JSON",
    section: "Document",
    icon: "download",
    keys: [],
    run: download,
  },
  {
    id: "close",
    label: "Close this workflow",
    section: "Document",
    keys: [],
    run: ({ document }) => document.close(document.store.getState().key),
  },
  {
    id: "reopen",
    label: "Reopen the closed workflow",
    section: "Document",
    keys: [],
    run: ({ document }) => document.reopen(),
  },
];

const HELP_COMMANDS: readonly Command[] = [
  {
    id: "settings",
    label: "Settings…",
    section: "Help",
    keys: ["Ctrl+,"],
    everywhere: true,
    run: ({ shell }) => shell.open({ kind: "settings" }),
  },
  {
    id: "commands",
    label: "Every command",
    section: "Help",
    icon: "search",
    keys: ["Ctrl+K"],
    everywhere: true,
    run: ({ shell }) => shell.open({ kind: "commands" }),
  },
  {
    id: "shortcuts",
    label: "Keyboard shortcuts",
    section: "Help",
    icon: "help",
    keys: ["?", "Ctrl+Shift+K"],
    run: ({ shell }) => shell.open({ kind: "shortcuts" }),
  },
  {
    id: "about",
    label: "About Photogram",
    section: "Help",
    keys: [],
    run: ({ shell }) => shell.open({ kind: "about" }),
  },
];

export const COMMANDS: readonly Command[] = [
  ...RUN_COMMANDS,
  ...EDIT_COMMANDS,
  ...ARRANGE_COMMANDS,
  ...VIEW_COMMANDS,
  ...GO_COMMANDS,
  ...DOCUMENT_COMMANDS,
  ...HELP_COMMANDS,
];

export function commandNamed(id: string): Command {
  const found = COMMANDS.find((command) => command.id === id);
  if (found === undefined) throw new Error(`There is no command "${id}".`);
  return found;
}
