/** Commands that lead somewhere: to the next problem, into a subgraph and out of it. */

import { graphAt } from "../model/path";
import { selectionOf } from "../model/selection";
import type { Studio } from "../ui/editor";
import { goTo } from "../ui/go";
import { plural } from "../ui/words";
import type { Command } from "./command";

function front(studio: Studio) {
  return studio.document.store.getState();
}

/** The selected node, if it stands for a subgraph. */
function instance(studio: Studio): string | null {
  const { graph, workflow, selection } = front(studio);
  const [id] = selection.nodes;
  return id !== undefined &&
    selection.nodes.size === 1 &&
    workflow.subgraphs.has(graph.nodes.get(id)?.type ?? "")
    ? id
    : null;
}

function enter(studio: Studio): void {
  const id = instance(studio);
  if (id === null) return;
  const { path, workflow } = front(studio);
  studio.document.enter([...path, id]);
  const { title, nodes } = graphAt(workflow, [...path, id]);
  studio.shell.say(`Inside ${title === "" ? "the subgraph" : title}, ${plural(nodes.size, "node")}.`);
  studio.shell.store.getState().viewport?.focusCanvas();
}

function leave(studio: Studio): void {
  const { path } = front(studio);
  const last = path.at(-1);
  if (last === undefined) return;
  studio.document.enter(path.slice(0, -1));
  studio.document.select(selectionOf({ nodes: new Set([last]) }));
  studio.shell.store.getState().viewport?.focusCanvas();
}

/** Round all problems that have a place; it goes on from the one shown last. */
function problem(studio: Studio, step: 1 | -1): void {
  const found = studio.faults.getState().problems.filter(({ node }) => node !== null);
  const at = found.findIndex(
    ({ code, node, input }) => keyOf(code, node, input) === studio.shell.store.getState().problem,
  );
  const next = found.at((at === -1 && step === -1 ? -1 : at + step) % Math.max(1, found.length));
  if (next?.node === undefined || next.node === null) return;
  studio.shell.set({ problem: keyOf(next.code, next.node, next.input) });
  studio.shell.say(next.message);
  goTo(studio, next.node, next.input);
}

function keyOf(code: string, node: string | null, input: string | null): string {
  return JSON.stringify([code, node, input]);
}

function hasProblems({ faults }: Studio): boolean {
  return faults.getState().problems.some(({ node }) => node !== null);
}

export const GO_COMMANDS: readonly Command[] = [
  {
    id: "next_problem",
    label: "Next problem",
    section: "View",
    icon: "alert",
    keys: ["F8"],
    everywhere: true,
    enabled: hasProblems,
    run: (studio) => problem(studio, 1),
  },
  {
    id: "previous_problem",
    label: "Previous problem",
    section: "View",
    keys: ["Shift+F8"],
    everywhere: true,
    enabled: hasProblems,
    run: (studio) => problem(studio, -1),
  },
  {
    id: "enter",
    label: "Open the subgraph",
    section: "View",
    icon: "open",
    keys: [],
    enabled: (studio) => instance(studio) !== null,
    run: enter,
  },
  {
    id: "leave",
    label: "Leave the subgraph",
    section: "View",
    keys: ["Esc"],
    enabled: (studio) => front(studio).path.length > 0,
    run: leave,
  },
];
