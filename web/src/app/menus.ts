import type { Menus } from "../canvas/menus";
import { disconnect, remove, setColor } from "../model/edit";
import { TINTS } from "../model/colors";
import { selectionOf } from "../model/selection";
import { linkKey } from "../model/workflow";
import type { Studio } from "../ui/editor";
import type { MenuEntry } from "../ui/menu";
import type { Point } from "../ui/popover";
import { isEnabled } from "./command";
import { commandNamed } from "./commands";

/** A command as an entry of a menu, with its shortcut. */
function entry(studio: Studio, id: string, danger = false): MenuEntry {
  const command = commandNamed(id);
  return {
    label: command.label,
    enabled: isEnabled(command, studio),
    danger,
    run: () => command.run(studio),
    ...(command.icon === undefined ? {} : { icon: command.icon }),
    ...(command.keys[0] === undefined ? {} : { keys: command.keys[0] }),
  };
}

/** What the right button offers. The first three are what people do most. */
export function contextMenus(studio: Studio): Menus {
  const { document, shell } = studio;
  const open = (label: string, at: Point, entries: readonly MenuEntry[]): void =>
    shell.open({ kind: "menu", label, at, entries });
  const ids = (list: readonly string[], danger: readonly string[] = []): readonly MenuEntry[] =>
    list.map((id) => (id === "-" ? "line" : entry(studio, id, danger.includes(id))));
  const colors = (): readonly MenuEntry[] => [
    {
      label: "Colour…",
      icon: "palette",
      run: () => window.setTimeout(() => open("Colour", middle(), colorEntries()), 0),
    },
  ];
  const colorEntries = (): readonly MenuEntry[] =>
    [null, ...TINTS].map((tint) => ({
      label: tint ?? "none",
      run: () => {
        const { selection } = document.store.getState();
        document.apply("colour", (graph) => setColor(graph, selection, tint));
      },
    }));
  return {
    openNode: (id, at) => {
      const { selection } = document.store.getState();
      if (!selection.nodes.has(id)) document.select(selectionOf({ nodes: new Set([id]) }));
      open("Node", at, [
        ...(isEnabled(commandNamed("enter"), studio) ? ids(["enter"]) : []),
        ...ids(["run_to", "duplicate", "rename", "-", "collapse", "skip", "off", "pin"]),
        ...colors(),
        ...ids(
          ["-", "copy", "cut", "group", "select_upstream", "select_downstream", "-", "delete_heal", "delete"],
          ["delete"],
        ),
      ]);
    },
    openLink: (key, at) => {
      const link = document.store.getState().graph.links.find((each) => linkKey(each) === key);
      if (link === undefined) return;
      open("Link", at, [
        {
          label: "Disconnect",
          icon: "close",
          run: () => document.apply("disconnect", (graph) => disconnect(graph, link.to)),
        },
        {
          label: "Go to its source",
          icon: "arrow_left",
          run: () => shell.store.getState().viewport?.show(link.from.node),
        },
        {
          label: "Go to its target",
          icon: "target",
          run: () => shell.store.getState().viewport?.show(link.to.node),
        },
      ]);
    },
    openGroup: (id, at) => {
      document.select(selectionOf({ groups: new Set([id]) }));
      open("Group", at, [
        { label: "Rename", keys: "F2", run: () => shell.set({ renaming: `g:${id}` }) },
        ...colors(),
        "line",
        {
          label: "Ungroup",
          icon: "group",
          run: () =>
            document.apply("ungroup", (graph) => remove(graph, selectionOf({ groups: new Set([id]) }))),
        },
      ]);
    },
    openNote: (id, at) => {
      document.select(selectionOf({ notes: new Set([id]) }));
      open("Note", at, [...ids(["duplicate", "copy"]), ...colors(), ...ids(["-", "delete"], ["delete"])]);
    },
    openCanvas: (at) =>
      open(
        "Canvas",
        at,
        ids([
          "add",
          "paste",
          "note",
          "-",
          "select_all",
          "fit",
          "tidy",
          "-",
          "undo",
          "redo",
          "-",
          "save",
          "shortcuts",
        ]),
      ),
  };
}

function middle(): Point {
  return { x: window.innerWidth / 2 - 110, y: window.innerHeight / 3 };
}
