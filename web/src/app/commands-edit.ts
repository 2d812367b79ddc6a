/** Commands that change the graph. */

import { duplicate } from "../model/clipboard";
import * as edit from "../model/edit";
import { around, padded } from "../model/geometry";
import { all, downstream, isEmpty, joined, selectionOf, upstream } from "../model/selection";
import { specsWith } from "../model/slots";
import { removeHealed } from "../model/wiring";
import type { Studio } from "../ui/editor";
import { plural } from "../ui/words";
import { askBrowser, pasteClipboard } from "./clipboard";
import type { Command } from "./command";
import { boundsIn } from "./measure";

function state(studio: Studio) {
  return studio.document.store.getState();
}

function hasNodes(studio: Studio): boolean {
  return state(studio).selection.nodes.size > 0;
}

function hasAnything(studio: Studio): boolean {
  return !isEmpty(state(studio).selection);
}

function counted(studio: Studio): string {
  const { nodes, notes, groups, links } = state(studio).selection;
  if (nodes.size > 0) return plural(nodes.size, "node");
  if (notes.size > 0) return plural(notes.size, "note");
  return groups.size > 0 ? plural(groups.size, "group") : plural(links.size, "link");
}

function grow(studio: Studio, reach: typeof upstream): void {
  const { graph, selection, ...rest } = state(studio);
  const found = reach(graph, selection.nodes);
  if (found.size > 0 && rest.key !== "")
    studio.document.select(joined(selection, selectionOf({ nodes: found })));
}

function group(studio: Studio): void {
  const { selection } = state(studio);
  const box = around(boundsIn(studio, selection));
  if (box === null) return;
  studio.document.apply("group", (graph) => {
    const id = edit.freeName("group", graph.groups);
    return {
      graph: edit.addGroup(graph, id, "Group", padded(box, 24, 56)),
      selection: selectionOf({ groups: new Set([id]) }),
    };
  });
}

function addNote(studio: Studio): void {
  const viewport = studio.shell.store.getState().viewport;
  const point = viewport?.toFlow(viewport.pointer()) ?? { x: 0, y: 0 };
  studio.document.apply("add a note", (graph) => {
    const id = edit.freeName("note", graph.notes);
    const at = [Math.round(point.x), Math.round(point.y)] as const;
    return { graph: edit.addNote(graph, id, "", at), selection: selectionOf({ notes: new Set([id]) }) };
  });
}

export function removeSelected(studio: Studio): void {
  const { selection } = state(studio);
  studio.document.apply(`delete ${counted(studio)}`, (graph) => edit.remove(graph, selection));
  studio.shell.store.getState().viewport?.focusCanvas();
}

/** Undo and redo say what they did. */
function step(studio: Studio, way: "undo" | "redo"): void {
  const label = way === "undo" ? studio.document.undo() : studio.document.redo();
  if (label !== null) studio.notices.info(`${way === "undo" ? "Undid" : "Redid"}: ${label}`);
}

const nodes =
  (
    change: (
      graph: Parameters<typeof edit.toggleCollapsed>[0],
      ids: ReadonlySet<string>,
    ) => ReturnType<typeof edit.toggleCollapsed>,
    label: string,
  ) =>
  (studio: Studio): void => {
    const { selection } = state(studio);
    studio.document.apply(label, (graph) => change(graph, selection.nodes));
  };

export const EDIT_COMMANDS: readonly Command[] = [
  {
    id: "undo",
    label: "Undo",
    section: "Edit",
    icon: "undo",
    keys: ["Ctrl+Z"],
    enabled: (studio) => state(studio).undoLabel !== null,
    run: (studio) => step(studio, "undo"),
  },
  {
    id: "redo",
    label: "Redo",
    section: "Edit",
    icon: "redo",
    keys: ["Ctrl+Y", "Ctrl+Shift+Z"],
    enabled: (studio) => state(studio).redoLabel !== null,
    run: (studio) => step(studio, "redo"),
  },
  {
    id: "copy",
    label: "Copy",
    section: "Edit",
    icon: "copy",
    keys: ["Ctrl+C", "Ctrl+Insert"],
    enabled: hasAnything,
    native: true,
    run: () => askBrowser("copy"),
  },
  {
    id: "cut",
    label: "Cut",
    section: "Edit",
    keys: ["Ctrl+X"],
    enabled: hasAnything,
    native: true,
    run: () => askBrowser("cut"),
  },
  {
    id: "paste",
    label: "Paste",
    section: "Edit",
    keys: ["Ctrl+V", "Shift+Insert"],
    native: true,
    run: (studio) => void pasteClipboard(studio, false),
  },
  {
    id: "paste_linked",
    label: "Paste keeping input links",
    section: "Edit",
    keys: ["Ctrl+Shift+V"],
    run: (studio) => void pasteClipboard(studio, true),
  },
  {
    id: "duplicate",
    label: "Duplicate",
    section: "Edit",
    keys: ["Ctrl+D"],
    enabled: hasAnything,
    run: (studio) => {
      const { workflow, path, selection } = state(studio);
      const copy = duplicate(workflow, path, selection);
      studio.document.change(`duplicate ${counted(studio)}`, () => copy.workflow);
      studio.document.select(copy.selection);
    },
  },
  {
    id: "delete",
    label: "Delete",
    section: "Edit",
    icon: "trash",
    keys: ["Delete", "Backspace"],
    enabled: hasAnything,
    run: removeSelected,
  },
  {
    id: "delete_heal",
    label: "Delete and reconnect",
    section: "Edit",
    keys: ["Shift+Delete"],
    enabled: hasNodes,
    run: (studio) => {
      const { selection, workflow } = state(studio);
      const specs = specsWith(workflow, studio.catalog.store.getState().specs);
      studio.document.apply(`delete ${counted(studio)}`, (graph) =>
        removeHealed(graph, selection.nodes, specs),
      );
    },
  },
  {
    id: "select_all",
    label: "Select all",
    section: "Edit",
    icon: "select",
    keys: ["Ctrl+A"],
    run: (studio) => studio.document.select(all(state(studio).graph)),
  },
  {
    id: "select_upstream",
    label: "Select what feeds this",
    section: "Edit",
    keys: ["["],
    enabled: hasNodes,
    run: (studio) => grow(studio, upstream),
  },
  {
    id: "select_downstream",
    label: "Select what this feeds",
    section: "Edit",
    keys: ["]"],
    enabled: hasNodes,
    run: (studio) => grow(studio, downstream),
  },
  {
    id: "collapse",
    label: "Collapse",
    section: "Nodes",
    icon: "collapse",
    keys: ["Alt+C"],
    enabled: hasNodes,
    run: nodes(edit.toggleCollapsed, "collapse"),
  },
  {
    id: "skip",
    label: "Skip (bypass)",
    section: "Nodes",
    icon: "skip",
    keys: ["Ctrl+B"],
    enabled: hasNodes,
    run: nodes((graph, ids) => edit.toggleState(graph, ids, "skipped"), "skip"),
  },
  {
    id: "off",
    label: "Switch off (mute)",
    section: "Nodes",
    icon: "off",
    keys: ["Ctrl+M"],
    enabled: hasNodes,
    run: nodes((graph, ids) => edit.toggleState(graph, ids, "off"), "switch off"),
  },
  {
    id: "pin",
    label: "Pin",
    section: "Nodes",
    icon: "pin",
    keys: ["P"],
    enabled: hasNodes,
    run: nodes(edit.togglePinned, "pin"),
  },
  {
    id: "rename",
    label: "Rename",
    section: "Nodes",
    keys: ["F2"],
    enabled: hasNodes,
    run: (studio) => studio.shell.set({ renaming: [...state(studio).selection.nodes][0] ?? null }),
  },
  {
    id: "group",
    label: "Group",
    section: "Nodes",
    icon: "group",
    keys: ["Ctrl+G"],
    enabled: hasAnything,
    run: group,
  },
  { id: "note", label: "Add a note", section: "Nodes", icon: "note", keys: [], run: addNote },
];
