import { type NodeSpec, specTitle } from "../model/spec";
import type { Graph, Node } from "../model/workflow";
import type { Specs } from "../model/spec";

/** What a node is called: the name it was given, else that of its type. */
export function nodeTitle(node: Node | undefined, spec: NodeSpec | undefined): string {
  if (node === undefined) return "";
  if (node.title !== null && node.title !== "") return node.title;
  return spec === undefined ? node.type : specTitle(spec);
}

/** The same, with the id behind it where several nodes are called so. */
export function spokenName(graph: Graph, id: string, specs: Specs): string {
  const titled = (node: Node | undefined): string => nodeTitle(node, node && specs.get(node.type));
  const title = titled(graph.nodes.get(id));
  for (const [other, node] of graph.nodes)
    if (other !== id && titled(node) === title) return `${title} (${id})`;
  return title;
}

/** The title of a node of a graph. */
export function nodeTitleIn(graph: Graph, id: string, specs: Specs): string {
  const node = graph.nodes.get(id);
  return node === undefined ? id : nodeTitle(node, specs.get(node.type));
}
