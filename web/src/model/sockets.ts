/** Which output may feed which input, and why not. The rule is that of the server's graph/wires.py. */

import { type InputSlot, inputSlots, outputNamed, slotNamed, slotsIn } from "./slots";
import type { NodeSpec, Specs } from "./spec";
import { specTitle } from "./spec";
import { downstream, upstream } from "./selection";
import { type Graph, type Port, linkInto, linkedByNode, portKey } from "./workflow";

export const ANY = "*";

/** The alternatives of a wire type: `A,B` is a union. */
export function partsOf(type: string): ReadonlySet<string> {
  return new Set(type.split(",").map((part) => part.trim()));
}

/** Whether an output of type `given` may feed an input of type `wanted`. */
export function fits(given: string, wanted: string): boolean {
  if (given === wanted) return true;
  const have = partsOf(given);
  const want = partsOf(wanted);
  if (have.has(ANY) || want.has(ANY) || !have.isDisjointFrom(want)) return true;
  return (have.has("INT") && want.has("FLOAT")) || (have.has("STRING") && want.has("COMBO"));
}

/** The type two wires agree on, or null: what sockets that share a template come to. */
function narrowed(one: string, other: string): string | null {
  const have = partsOf(one);
  const want = partsOf(other);
  if (have.has(ANY)) return other;
  if (want.has(ANY)) return one;
  const both = have.intersection(want);
  if (both.size > 0) return [...both].sort().join(",");
  return [...have.union(want)].every((part) => part === "INT" || part === "FLOAT") ? "FLOAT" : null;
}

/** The type of an output as it is wired now; a template takes the type of what feeds its node. */
export function outputType(graph: Graph, port: Port, specs: Specs): string {
  return typeOfOutput(graph, port, specs, new Set());
}

function typeOfOutput(graph: Graph, port: Port, specs: Specs, seen: ReadonlySet<string>): string {
  const output = outputNamed(graph, port.node, port.name, specs);
  if (output === undefined) return ANY;
  if (output.template === null || seen.has(port.node)) return output.type;
  return templateType(graph, port.node, output.template, output.type, specs, seen, null);
}

/** What a template of a node comes to from the links into it, not counting the one into `except`. */
function templateType(
  graph: Graph,
  node: string,
  template: string,
  declared: string,
  specs: Specs,
  seen: ReadonlySet<string>,
  except: string | null,
): string {
  const deeper = new Set(seen).add(node);
  const sharing = slotsIn(graph, node, specs).filter(
    (slot) => slot.input.template === template && slot.name !== except,
  );
  return sharing.reduce((type, slot) => {
    const link = linkInto(graph, { node, name: slot.name });
    if (link === undefined) return type;
    return narrowed(type, typeOfOutput(graph, link.from, specs, deeper)) ?? type;
  }, declared);
}

/** The type an input wants, given what else is wired to its node. */
export function inputType(graph: Graph, port: Port, specs: Specs): string {
  const slot = slotNamed(graph, port.node, port.name, specs);
  if (slot === undefined) return ANY;
  const { template, type } = slot.input;
  if (template === null) return type;
  return templateType(graph, port.node, template, type, specs, new Set(), port.name);
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const YES: Verdict = { ok: true };

/** Whether an output may be connected to an input of this graph, with the reason if not. */
export function checkLink(graph: Graph, from: Port, to: Port, specs: Specs): Verdict {
  if (from.node === to.node) return no("A node cannot feed itself.");
  const slot = slotNamed(graph, to.node, to.name, specs);
  const output = outputNamed(graph, from.node, from.name, specs);
  if (specs.has(graph.nodes.get(to.node)?.type ?? "") && slot === undefined)
    return no("There is no such input.");
  if (specs.has(graph.nodes.get(from.node)?.type ?? "") && output === undefined)
    return no("There is no such output.");
  if (downstream(graph, new Set([to.node])).has(from.node)) {
    return no("This would make a circle: that node already feeds this one.");
  }
  const given = outputType(graph, from, specs);
  const wanted = inputType(graph, to, specs);
  if (fits(given, wanted)) return YES;
  return no(`${slot?.label ?? to.name} needs ${spoken(wanted)}, this is ${spoken(given)}.`);
}

function no(reason: string): Verdict {
  return { ok: false, reason };
}

/** A union as people read it. */
export function spoken(type: string): string {
  return type === ANY ? "anything" : [...partsOf(type)].join(" or ");
}

/** One socket that a link from another could end in. */
export interface Candidate {
  readonly port: Port;
  readonly label: string;
  /** Nothing is connected to it yet. */
  readonly free: boolean;
}

/** Every input an output could feed, free ones first. */
export function inputsFor(graph: Graph, from: Port, specs: Specs): readonly Candidate[] {
  const behind = upstream(graph, new Set([from.node]));
  const given = outputType(graph, from, specs);
  const linked = linkedByNode(graph);
  const wanted = ({ name, input }: InputSlot, node: string) =>
    input.template === null ? input.type : inputType(graph, { node, name }, specs);
  const found = [...graph.nodes].flatMap(([id, node]) => {
    const spec = specs.get(node.type);
    if (spec === undefined || id === from.node || behind.has(id)) return [];
    const taken = linked.get(id) ?? UNLINKED;
    return inputSlots(node, spec, taken)
      .filter((slot) => fits(given, wanted(slot, id)))
      .map((slot) => ({
        port: { node: id, name: slot.name },
        label: slot.label,
        free: !taken.has(slot.name),
      }));
  });
  return freeFirst(found);
}

const UNLINKED: ReadonlySet<string> = new Set();

/** Every output that could feed an input. */
export function outputsFor(graph: Graph, to: Port, specs: Specs): readonly Candidate[] {
  const ahead = new Set([to.node]).union(downstream(graph, new Set([to.node])));
  const wanted = inputType(graph, to, specs);
  const used = new Set(graph.links.map((link) => portKey(link.from)));
  const found = [...graph.nodes]
    .filter(([node]) => !ahead.has(node))
    .flatMap(([node, { type }]) =>
      (specs.get(type)?.outputs ?? []).map((output) => ({
        port: { node, name: output.name },
        label: output.title ?? output.name,
      })),
    )
    .filter(({ port }) => fits(outputType(graph, port, specs), wanted))
    .map((each) => ({ ...each, free: !used.has(portKey(each.port)) }));
  return freeFirst(found);
}

function freeFirst(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates.filter((each) => each.free), ...candidates.filter((each) => !each.free)];
}

/**
 * The input of a node that an output dropped on it feeds: sockets before widgets, free before taken; of those,
 * one of the very type before one that merely accepts it.
 */
export function fittingInput(graph: Graph, from: Port, node: string, specs: Specs): Port | null {
  const given = outputType(graph, from, specs);
  const score = (slot: InputSlot): number => {
    const port = { node, name: slot.name };
    const taken = linkInto(graph, port) !== undefined ? 4 : 0;
    const edited = slot.input.widget !== null ? 2 : 0;
    return taken + edited + (inputType(graph, port, specs) === given ? 0 : 1);
  };
  const [best] = slotsIn(graph, node, specs)
    .filter((slot) => checkLink(graph, from, { node, name: slot.name }, specs).ok)
    .sort((one, other) => score(one) - score(other));
  return best === undefined ? null : { node, name: best.name };
}

/** The output of a node that feeds an input dropped on it. */
export function fittingOutput(graph: Graph, to: Port, node: string, specs: Specs): Port | null {
  const type = graph.nodes.get(node)?.type ?? "";
  const wanted = inputType(graph, to, specs);
  const outputs = (specs.get(type)?.outputs ?? []).filter(
    (output) => checkLink(graph, { node, name: output.name }, to, specs).ok,
  );
  const best = outputs.find((output) => output.type === wanted) ?? outputs[0];
  return best === undefined ? null : { node, name: best.name };
}

/** The first input of a node type that takes an output of that type (for "insert and connect"). */
export function inputTaking(spec: NodeSpec, given: string): string | null {
  const taking = spec.inputs.filter((input) => fits(given, input.type));
  const best =
    taking.find((input) => input.widget === null && input.type === given) ??
    taking.find((input) => input.widget === null) ??
    taking[0];
  if (best === undefined) return null;
  return best.grows === null ? best.name : `${best.name}.${best.grows.names[0] ?? `${best.grows.prefix}0`}`;
}

/** The first output of a node type that an input of that type takes. */
export function outputGiving(spec: NodeSpec, wanted: string): string | null {
  const giving = spec.outputs.filter((output) => fits(output.type, wanted));
  return (giving.find((output) => output.type === wanted) ?? giving[0])?.name ?? null;
}

/** A node type that turns one type into another, for "insert VAE Decode?". */
export function converter(given: string, wanted: string, specs: Specs): NodeSpec | null {
  const candidates = [...specs.values()].filter(
    (spec) =>
      !spec.deprecated &&
      spec.inputs.some((input) => input.type === given && input.widget === null) &&
      spec.outputs.some((output) => output.type === wanted),
  );
  const needs = (spec: NodeSpec) =>
    spec.inputs.filter((input) => input.widget === null && !input.optional).length;
  const [best] = candidates.sort(
    (one, other) => needs(one) - needs(other) || specTitle(one).localeCompare(specTitle(other)),
  );
  return best ?? null;
}
