/** Words to try, which a workflow brings along for one of its inputs. */

import { setValue } from "./edit";
import { entry, isList } from "./json";
import { type Graph, type NamedInput, linkInto } from "./workflow";

export interface Examples {
  readonly named: NamedInput;
  readonly texts: readonly string[];
  /** The one that stands there now. */
  readonly present: string;
}

/** What a graph offers to try; null once other words took its place, or a wire that brings them. */
export function examplesIn(graph: Graph): Examples | null {
  for (const named of graph.inputs) {
    const texts = textsOf(named);
    const [target] = named.targets;
    if (target === undefined || linkInto(graph, target) !== undefined) continue;
    const value = graph.nodes.get(target.node)?.inputs.get(target.name);
    const present = texts.find((text) => text === value);
    if (present !== undefined) return { named, texts, present };
  }
  return null;
}

/** The graph with one of them in every place that the input stands for. */
export function tried(graph: Graph, { targets }: NamedInput, text: string): Graph {
  return targets.reduce((changed, { node, name }) => setValue(changed, node, name, text), graph);
}

function textsOf({ extra }: NamedInput): readonly string[] {
  const examples = entry(extra, "examples");
  return isList(examples) ? examples.filter((each) => typeof each === "string") : [];
}
