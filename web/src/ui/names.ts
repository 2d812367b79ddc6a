import { type NodeSpec, specTitle } from "../model/spec";
import type { Graph, Node } from "../model/workflow";
import type { Specs } from "../model/spec";

/** What a node is called: the name it was given, else that of its type. */
export function nodeTitle(node: Node | undefined, spec: NodeSpec | undefined): string {
  if (node === undefined) return "";
  if (node.title !== null && node.title !== "") return node.title;
  return spec === undefined ? node.type : specTitle(spec);
}

/** What each node is called aloud: its title, with the id behind it where several nodes are called so. */
export function spokenNames(graph: Graph, specs: Specs): ReadonlyMap<string, string> {
  const titles = new Map([...graph.nodes].map(([id, node]) => [id, nodeTitle(node, specs.get(node.type))]));
  const counts = new Map<string, number>();
  for (const title of titles.values()) counts.set(title, (counts.get(title) ?? 0) + 1);
  return new Map(
    [...titles].map(([id, title]) => [id, (counts.get(title) ?? 0) > 1 ? `${title} (${id})` : title]),
  );
}

/** The title of a node of a graph. */
export function nodeTitleIn(graph: Graph, id: string, specs: Specs): string {
  const node = graph.nodes.get(id);
  return node === undefined ? id : nodeTitle(node, specs.get(node.type));
}
