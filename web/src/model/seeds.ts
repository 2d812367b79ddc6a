/** Seeds: what is shown is what the last run used; before the next run, modes other than fixed move on. */

import { type Json, isWhole, sameJson, whole } from "./json";
import { inputSlots, valueOf } from "./slots";
import type { Input, NodeSpec, Specs } from "./spec";
import { type Graph, type Node, type SeedMode, type Workflow, linkedInputs, portKey } from "./workflow";

const HIGHEST = 2n ** 64n - 1n;

/** What a node type's new nodes do with their seeds. */
export const NEW_SEED_MODE: SeedMode = "random";

/** The lowest and highest value of a seed. Limits come as floating point numbers, so 2^64 means 2^64 - 1. */
export function seedLimits(input: Input): readonly [low: bigint, high: bigint] {
  const { low, high } = input.widget ?? { low: null, high: null };
  const bound = (limit: number | null | undefined, otherwise: bigint) =>
    limit === null || limit === undefined || !Number.isFinite(limit) ? otherwise : BigInt(Math.round(limit));
  const lowest = bound(low, 0n);
  const highest = bound(high, HIGHEST);
  const exact =
    highest > BigInt(Number.MAX_SAFE_INTEGER) && (highest & (highest - 1n)) === 0n ? highest - 1n : highest;
  return [lowest, exact];
}

/** The seed after this one. `random` gives 64 random bits. */
export function nextSeed(value: Json, mode: SeedMode, input: Input, random: () => bigint): number | bigint {
  const [low, high] = seedLimits(input);
  const span = high - low + 1n;
  const present = isWhole(value) ? BigInt(value) : low;
  switch (mode) {
    case "fixed":
      return whole(present);
    case "random":
      return whole(low + (((random() % span) + span) % span));
    case "increment":
      return whole(present >= high ? low : present + 1n);
    case "decrement":
      return whole(present <= low ? high : present - 1n);
    default:
      return mode satisfies never;
  }
}

/** How a seed of a node moves on. */
export function seedMode(node: Node, name: string): SeedMode {
  return node.seeds.get(name) ?? "fixed";
}

/** The seeds of a node that are not wired. */
export function seedsOf(node: Node, spec: NodeSpec, linked: ReadonlySet<string>): readonly Input[] {
  return inputSlots(node, spec, linked)
    .map((slot) => slot.input)
    .filter((input) => input.widget?.kind === "seed" && !linked.has(input.name));
}

export interface Rolled {
  readonly workflow: Workflow;
  /** The value each seed has in the run about to be sent, by key of place and port. */
  readonly used: ReadonlyMap<string, Json>;
}

/** Make the document ready for a run: each seed whose mode is not fixed moves on if its value was already used. */
export function rollSeeds(
  workflow: Workflow,
  specs: Specs,
  before: ReadonlyMap<string, Json>,
  random: () => bigint,
): Rolled {
  const used = new Map(before);
  const roll = (graph: Graph, place: string): Graph => rollGraph(graph, place, specs, before, used, random);
  const graph = roll(workflow.graph, "");
  const subgraphs = new Map([...workflow.subgraphs].map(([id, inner]) => [id, roll(inner, id)]));
  const same =
    graph === workflow.graph && [...subgraphs].every(([id, inner]) => workflow.subgraphs.get(id) === inner);
  return { workflow: same ? workflow : { ...workflow, graph, subgraphs }, used };
}

function rollGraph(
  graph: Graph,
  place: string,
  specs: Specs,
  before: ReadonlyMap<string, Json>,
  used: Map<string, Json>,
  random: () => bigint,
): Graph {
  const rolled = new Map(graph.nodes);
  let changed = false;
  for (const [id, node] of graph.nodes) {
    const spec = specs.get(node.type);
    if (spec === undefined) continue;
    const inputs = new Map(node.inputs);
    for (const input of seedsOf(node, spec, linkedInputs(graph, id))) {
      const key = `${place}/${portKey({ node: id, name: input.name })}`;
      const mode = seedMode(node, input.name);
      const present = valueOf(node, input);
      const moves = mode !== "fixed" && before.has(key) && sameJson(before.get(key), present);
      const value = moves ? nextSeed(present, mode, input, random) : present;
      used.set(key, value);
      if (!moves) continue;
      inputs.set(input.name, value);
      rolled.set(id, { ...node, inputs });
      changed = true;
    }
  }
  return changed ? { ...graph, nodes: rolled } : graph;
}
