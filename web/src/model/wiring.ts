/** Edits that keep data flowing: nodes removed with their links healed, nodes put into a link. */

import { connect, remove, withoutLinks } from "./edit";
import { selectionOf } from "./selection";
import { slotsIn } from "./slots";
import { fittingInput, fittingOutput, partsOf } from "./sockets";
import type { Specs } from "./spec";
import { type Graph, type Link, type Port, linkInto, samePort } from "./workflow";

/** Remove nodes, and let what fed them feed what they fed, where the types allow. */
export function removeHealed(graph: Graph, ids: ReadonlySet<string>, specs: Specs): Graph {
  const healed = graph.links
    .filter((link) => ids.has(link.from.node) && !ids.has(link.to.node))
    .reduce((result, link) => {
      const source = sourceThrough(graph, link.from, ids, specs, new Set());
      return source === null ? result : connect(result, source, link.to);
    }, graph);
  return remove(healed, selectionOf({ nodes: ids }));
}

/** What an output of a removed or skipped node stands for: what feeds the input that takes its place. */
function sourceThrough(
  graph: Graph,
  from: Port,
  ids: ReadonlySet<string>,
  specs: Specs,
  seen: ReadonlySet<string>,
): Port | null {
  if (!ids.has(from.node)) return from;
  if (seen.has(from.node)) return null;
  const input = passedThrough(graph, from, specs);
  const link = input === null ? undefined : linkInto(graph, { node: from.node, name: input });
  return link === undefined
    ? null
    : sourceThrough(graph, link.from, ids, specs, new Set(seen).add(from.node));
}

/** The input whose value takes the place of an output when its node is skipped. The rule is graph/bypass.py's. */
export function passedThrough(graph: Graph, from: Port, specs: Specs): string | null {
  const outputs = specs.get(graph.nodes.get(from.node)?.type ?? "")?.outputs ?? [];
  const at = outputs.findIndex((output) => output.name === from.name);
  const given = outputs[at]?.type ?? "*";
  const inputs = slotsIn(graph, from.node, specs).filter((slot) => !slot.spare);
  const same = inputs[at];
  if (given === "*") return (same ?? inputs[0])?.name ?? null;
  if (same !== undefined && alike(same.input.type, given)) return same.name;
  const exact = inputs.find((slot) => slot.input.type === given);
  return (exact ?? inputs.find((slot) => alike(slot.input.type, given)))?.name ?? null;
}

function alike(one: string, other: string): boolean {
  if (one === "*" || other === "*") return true;
  return !partsOf(one.toLowerCase()).isDisjointFrom(partsOf(other.toLowerCase()));
}

/** The lines a skipped node is passed by: from each input that stands in for an output. */
export function passages(
  graph: Graph,
  id: string,
  specs: Specs,
): readonly { readonly input: string; readonly output: string }[] {
  const outputs = specs.get(graph.nodes.get(id)?.type ?? "")?.outputs ?? [];
  return outputs.flatMap(({ name }) => {
    const input = passedThrough(graph, { node: id, name }, specs);
    return input !== null && linkInto(graph, { node: id, name: input }) !== undefined
      ? [{ input, output: name }]
      : [];
  });
}

/** Where a node would go into a link: the input that takes its source, the output that feeds its target. */
export function placeInLink(
  graph: Graph,
  id: string,
  link: Link,
  specs: Specs,
): { readonly input: Port; readonly output: Port } | null {
  if (link.from.node === id || link.to.node === id) return null;
  const without = withoutLinks(graph, (each) => samePort(each.to, link.to));
  const output = fittingOutput(without, link.to, id, specs);
  const input = fittingInput(without, link.from, id, specs);
  if (input === null || output === null || linkInto(graph, input) !== undefined) return null;
  return { input, output };
}

/** Put a node into a link; the same graph if it does not fit. */
export function insertIntoLink(graph: Graph, id: string, link: Link, specs: Specs): Graph {
  const place = placeInLink(graph, id, link, specs);
  if (place === null) return graph;
  return connect(connect(graph, link.from, place.input), place.output, link.to);
}

/** Connect a new node to the socket a link was dragged from; the same graph if nothing fits. */
export function connectNew(
  graph: Graph,
  id: string,
  dragged: { readonly side: "input" | "output"; readonly port: Port },
  specs: Specs,
): Graph {
  if (dragged.side === "output") {
    const input = fittingInput(graph, dragged.port, id, specs);
    return input === null ? graph : connect(graph, dragged.port, input);
  }
  const output = fittingOutput(graph, dragged.port, id, specs);
  return output === null ? graph : connect(graph, output, dragged.port);
}
