/** What a run needs, and what would run again because it changed since the last run. */

import { sameJson } from "./json";
import { downstream, upstream } from "./selection";
import type { Specs } from "./spec";
import { type Graph, type Link, type Node, linkKey } from "./workflow";

/** The nodes a run would compute: its targets (by default every node that saves or shows) and what feeds them. */
export function neededNodes(
  graph: Graph,
  specs: Specs,
  targets: readonly string[] | null = null,
): ReadonlySet<string> {
  const isOn = (id: string) => graph.nodes.get(id)?.state === "on";
  const read = new Set(graph.links.map((link) => link.from.node));
  // One of an unknown type that nothing reads may be meant to save or show.
  const isTerminal = ([id, node]: readonly [string, Node]) => specs.get(node.type)?.terminal ?? !read.has(id);
  const ends = targets ?? [...graph.nodes].filter(isTerminal).map(([id]) => id);
  const wanted = new Set(ends.filter(isOn));
  return new Set([...wanted, ...upstream(withoutOff(graph), wanted)].filter(isOn));
}

function withoutOff(graph: Graph): Graph {
  const isOff = (id: string) => graph.nodes.get(id)?.state === "off";
  return { ...graph, links: graph.links.filter((link) => !isOff(link.from.node) && !isOff(link.to.node)) };
}

/** The nodes whose result differs from the last run's: those that changed, and all that follows from them. */
export function staleNodes(graph: Graph, before: Graph): ReadonlySet<string> {
  const wires = wiresByNode(graph);
  const wiresBefore = wiresByNode(before);
  const changed = new Set<string>();
  for (const [id, node] of graph.nodes) {
    const old = before.nodes.get(id);
    if (
      old === undefined ||
      !sameWork(node, old) ||
      !sameWires(wires.get(id) ?? [], wiresBefore.get(id) ?? [])
    ) {
      changed.add(id);
    }
  }
  return changed.union(downstream(graph, changed));
}

function wiresByNode(graph: Graph): ReadonlyMap<string, readonly Link[]> {
  return Map.groupBy(graph.links, (link) => link.to.node);
}

/** Whether two nodes compute the same, whatever they look like. */
function sameWork(node: Node, old: Node): boolean {
  if (node === old) return true;
  return (
    node.type === old.type &&
    node.version === old.version &&
    node.state === old.state &&
    (node.inputs === old.inputs ||
      (node.inputs.size === old.inputs.size &&
        [...node.inputs].every(([name, value]) => sameJson(value, old.inputs.get(name)))))
  );
}

function sameWires(wires: readonly Link[], old: readonly Link[]): boolean {
  const text = (links: readonly Link[]) =>
    links
      .map((link) => JSON.stringify([linkKey(link), link.from.node, link.from.name]))
      .sort()
      .join();
  return wires.length === old.length && text(wires) === text(old);
}
