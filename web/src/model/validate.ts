/** Faults one can see while editing. The server has the last word; codes and meaning are the same. */

import { type Json, isNumber, isWhole, writeJson } from "./json";
import { type Problem, problemOf } from "./problem";
import { seedLimits } from "./seeds";
import { type InputSlot, inputSlots, valueOf } from "./slots";
import { fits, inputType, outputType, spoken } from "./sockets";
import { type Input, type NodeSpec, type Specs, specTitle } from "./spec";
import { neededNodes } from "./stale";
import { capturesOnRun } from "./webcam";
import { passedThrough } from "./wiring";
import { type Graph, type Link, type Node, type Port, linkInto, linkedByNode } from "./workflow";

/** File names by folder; a folder that is not known is not checked. */
export type Folders = ReadonlyMap<string, readonly string[]>;

const UNLINKED: ReadonlySet<string> = new Set();

/** Every fault of a graph. Those of nodes that no run needs (by default what saves or shows) are warnings. */
export function validate(
  graph: Graph,
  specs: Specs,
  folders: Folders,
  ends: readonly string[] | null = null,
): readonly Problem[] {
  const needed = neededNodes(graph, specs, ends);
  const linked = linkedByNode(graph);
  const found = [
    ...[...graph.nodes].flatMap(([id, node]) =>
      node.state === "on" ? nodeProblems(graph, id, node, linked.get(id) ?? UNLINKED, specs, folders) : [],
    ),
    ...circles(graph),
  ];
  return found.map((problem) =>
    problem.node !== null && needed.has(problem.node) ? problem : { ...problem, warning: true },
  );
}

function nodeProblems(
  graph: Graph,
  id: string,
  node: Node,
  linked: ReadonlySet<string>,
  specs: Specs,
  folders: Folders,
): readonly Problem[] {
  const spec = specs.get(node.type);
  if (spec === undefined) {
    const pack = node.pack === "" ? "No pack here" : `The pack "${node.pack}"`;
    const message = `There is no node type "${node.type}".`;
    return [
      problemOf("unknown_node", message, {
        node: id,
        hint: `${pack} provides it. Install its pack, or remove the node.`,
      }),
    ];
  }
  return inputSlots(node, spec, linked).flatMap((slot) => {
    const fault = linked.has(slot.name)
      ? linkProblem(graph, { node: id, name: slot.name }, slot, specs)
      : valueProblem(node, slot, folders, spec);
    return fault === null ? [] : [{ ...fault, node: id, input: slot.name }];
  });
}

/** Where a link's value comes from once skipped nodes are passed by; null if nothing arrives. */
export function sourceOf(graph: Graph, link: Link, specs: Specs): Port | null {
  const seen = new Set<string>();
  let { from } = link;
  for (;;) {
    const state = graph.nodes.get(from.node)?.state;
    if (state === undefined || state === "off" || seen.has(from.node)) return null;
    if (state === "on") return from;
    seen.add(from.node);
    const input = passedThrough(graph, from, specs);
    const next = input === null ? undefined : linkInto(graph, { node: from.node, name: input });
    if (next === undefined) return null;
    ({ from } = next);
  }
}

function linkProblem(graph: Graph, to: Port, slot: InputSlot, specs: Specs): Problem | null {
  const link = linkInto(graph, to);
  if (link === undefined) return null;
  if (!graph.nodes.has(link.from.node)) {
    return problemOf("dangling_link", `${slot.label} is connected to a node that is not there.`, {
      hint: "Connect it again.",
    });
  }
  const source = sourceOf(graph, link, specs);
  if (source === null) return slot.input.optional || slot.input.widget !== null ? null : missing(slot);
  const given = outputType(graph, source, specs);
  const wanted = inputType(graph, to, specs);
  if (fits(given, wanted)) return null;
  const message = `${slot.label} needs ${spoken(wanted)}, but gets ${spoken(given)}.`;
  return problemOf("type_mismatch", message, { hint: "Connect another output." });
}

function missing(slot: InputSlot): Problem {
  const message = `${slot.label} is not connected.`;
  return problemOf("missing_input", message, {
    hint: `Connect an output that gives ${spoken(slot.input.type)}.`,
  });
}

function valueProblem(node: Node, slot: InputSlot, folders: Folders, spec: NodeSpec): Problem | null {
  const { input } = slot;
  if (input.widget === null)
    return input.optional || slot.spare || node.inputs.has(slot.name) ? null : missing(slot);
  const value = valueOf(node, input);
  if (value === null)
    return input.optional
      ? null
      : problemOf("missing_input", `${slot.label} of ${specTitle(spec)} has no value.`, { hint: "Set one." });
  return (
    wrongKind(slot, value) ??
    outOfRange(slot, value) ??
    notAnOption(slot, value) ??
    (slot.input.widget?.kind === "webcam" && capturesOnRun(node, spec)
      ? null
      : missingFile(slot, value, folders))
  );
}

function wrongKind({ input, label }: InputSlot, value: Json): Problem | null {
  const isRight = () => {
    switch (input.widget?.kind) {
      case "number":
        return input.type === "INT" ? isWhole(value) : isNumber(value);
      case "seed":
        return isWhole(value);
      case "toggle":
        return typeof value === "boolean";
      case "text":
      case "file":
      case "webcam":
      case "color":
        return typeof value === "string";
      case "choice":
      case undefined:
        return true;
    }
  };
  return isRight()
    ? null
    : problemOf("wrong_kind", `${label} has a value of the wrong kind.`, { hint: "Set it again." });
}

function outOfRange({ input, label }: InputSlot, value: Json): Problem | null {
  const kind = input.widget?.kind;
  if ((kind !== "number" && kind !== "seed") || !isNumber(value)) return null;
  const [low, high] = limitsOf(input);
  if ((low === null || value >= low) && (high === null || value <= high)) return null;
  const range =
    low === null ? `at most ${String(high)}` : high === null ? `at least ${low}` : `${low} to ${high}`;
  return problemOf("value_out_of_range", `${label} is ${value}; it may be ${range}.`, {
    hint: `Set ${label} to ${range}.`,
  });
}

/** The limits of a number or seed, as they are shown and enforced. */
export function limitsOf(input: Input): readonly [low: number | bigint | null, high: number | bigint | null] {
  if (input.widget?.kind === "seed") return seedLimits(input);
  return [input.widget?.low ?? null, input.widget?.high ?? null];
}

function notAnOption({ input, label }: InputSlot, value: Json): Problem | null {
  const options: readonly Json[] = input.widget?.kind === "choice" ? input.widget.options : [];
  if (options.length === 0 || options.includes(value)) return null;
  return problemOf("not_an_option", `${label} has no option ${writeJson(value)}.`, {
    hint: "Choose one of the list.",
  });
}

/** Kinds of files that lie in the input folder, beside the pictures. */
const WITHIN_INPUT: readonly string[] = ["videos", "latents"];

function missingFile({ input, label }: InputSlot, value: Json, folders: Folders): Problem | null {
  const { widget } = input;
  if ((widget?.kind !== "file" && widget?.kind !== "webcam") || typeof value !== "string") return null;
  const names = folders.get(widget.folder);
  if (value === "" && widget.kind === "webcam") {
    const hint = "Start the camera on the node, and capture a picture.";
    return problemOf("missing_input", "Nothing has been captured yet.", { hint });
  }
  if (value === "") {
    return input.optional
      ? null
      : problemOf("missing_input", `${label} names no file.`, { hint: "Choose a file." });
  }
  if (names === undefined || names.includes(value) || / \[(output|temp|input)\]$/.test(value)) return null;
  const folder = WITHIN_INPUT.includes(widget.folder) ? "input" : widget.folder;
  const hint = `Choose another, or put it into the folder "${folder}".`;
  return problemOf("missing_file", `There is no file "${value}".`, { hint });
}

/** Circles of links, one problem each, named node by node. */
function circles(graph: Graph): readonly Problem[] {
  const feeds = Map.groupBy(graph.links, (link) => link.from.node);
  const state = new Map<string, "open" | "closed">();
  const problems: Problem[] = [];
  for (const start of graph.nodes.keys()) {
    const path: string[] = [];
    const steps: { readonly node: string; readonly next: Link[] }[] = [];
    const enter = (node: string): void => {
      state.set(node, "open");
      path.push(node);
      steps.push({ node, next: [...(feeds.get(node) ?? [])] });
    };
    if (!state.has(start)) enter(start);
    for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
      const link = step.next.shift();
      if (link === undefined) {
        state.set(step.node, "closed");
        path.pop();
        steps.pop();
      } else if (!state.has(link.to.node)) enter(link.to.node);
      else if (state.get(link.to.node) === "open")
        problems.push(circle(graph, path.slice(path.indexOf(link.to.node))));
    }
  }
  return problems;
}

function circle(graph: Graph, ids: readonly string[]): Problem {
  const names = [...ids, ...ids.slice(0, 1)].map((id) => graph.nodes.get(id)?.title ?? id);
  const message = `These nodes feed one another in a circle: ${names.join(" → ")}.`;
  return problemOf("cycle", message, { node: ids[0] ?? null, hint: "Remove one of these links." });
}
