/** Commands that line nodes up. */

import { type Edge, align, distribute } from "../model/arrange";
import { place } from "../model/edit";
import type { Studio } from "../ui/editor";
import type { Command } from "./command";
import { sizesIn } from "./measure";
import { tidy } from "./tidy";

const EDGES: readonly (readonly [Edge, string])[] = [
  ["left", "Align left edges"],
  ["center", "Align centres, one above the other"],
  ["right", "Align right edges"],
  ["top", "Align top edges"],
  ["middle", "Align middles, side by side"],
  ["bottom", "Align bottom edges"],
];

function chosen(studio: Studio): ReadonlySet<string> {
  return studio.document.store.getState().selection.nodes;
}

function move(studio: Studio, label: string, places: ReturnType<typeof align>): void {
  studio.document.apply(label, (graph) => place(graph, places));
}

const ALIGN_COMMANDS: readonly Command[] = EDGES.map(([edge, label]) => ({
  id: `align_${edge}`,
  label,
  section: "Nodes",
  keys: [],
  enabled: (studio) => chosen(studio).size > 1,
  run: (studio) => {
    const { graph } = studio.document.store.getState();
    move(studio, label.toLowerCase(), align(graph, chosen(studio), edge, sizesIn(studio)));
  },
}));

const DISTRIBUTE_COMMANDS: readonly Command[] = (
  [
    ["across", "Distribute side by side"],
    ["down", "Distribute one above the other"],
  ] as const
).map(([direction, label]) => ({
  id: `distribute_${direction}`,
  label,
  section: "Nodes",
  keys: [],
  enabled: (studio) => chosen(studio).size > 2,
  run: (studio) => {
    const { graph } = studio.document.store.getState();
    move(studio, label.toLowerCase(), distribute(graph, chosen(studio), direction, sizesIn(studio)));
  },
}));

const TIDY: Command = {
  id: "tidy",
  label: "Tidy up",
  section: "Nodes",
  icon: "workflow",
  keys: [],
  run: (studio) => void tidy(studio),
};

export const ARRANGE_COMMANDS: readonly Command[] = [TIDY, ...ALIGN_COMMANDS, ...DISTRIBUTE_COMMANDS];
