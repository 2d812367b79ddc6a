/** The inputs and outputs that one node has now: growing rows unrolled, the chosen variant's inputs included. */

import type { Json } from "./json";
import { type Input, type NodeSpec, type Output, type Specs, inputOf, outputOf, specOf } from "./spec";
import { type Graph, type Node, type Workflow, linkedInputs } from "./workflow";

/** One input as it stands on a node. `input.name` is the full name, as in the document. */
export interface InputSlot {
  readonly name: string;
  readonly label: string;
  readonly input: Input;
  /** The growing row it belongs to. */
  readonly row: string | null;
  /** The free place at the end of a growing row. */
  readonly spare: boolean;
}

/** The inputs of a node, given which of them are wired. */
export function inputSlots(node: Node, spec: NodeSpec, linked: ReadonlySet<string>): readonly InputSlot[] {
  return spec.inputs.flatMap((input) => expand(input, "", node.inputs, linked));
}

/** The same, looking up the wires in the graph. */
export function slotsIn(graph: Graph, id: string, specs: Specs): readonly InputSlot[] {
  const node = graph.nodes.get(id);
  const spec = node && specs.get(node.type);
  return node && spec ? inputSlots(node, spec, linkedInputs(graph, id)) : [];
}

export function slotNamed(graph: Graph, id: string, name: string, specs: Specs): InputSlot | undefined {
  return slotsIn(graph, id, specs).find((slot) => slot.name === name);
}

export function outputNamed(graph: Graph, id: string, name: string, specs: Specs): Output | undefined {
  const node = graph.nodes.get(id);
  return node && specs.get(node.type)?.outputs.find((output) => output.name === name);
}

function expand(
  input: Input,
  prefix: string,
  values: ReadonlyMap<string, Json>,
  linked: ReadonlySet<string>,
): readonly InputSlot[] {
  const name = prefix !== "" && !input.name.startsWith(prefix) ? prefix + input.name : input.name;
  const label = input.title ?? input.name;
  if (input.grows !== null) return growingRow({ ...input, name }, label, values, linked);
  const own: InputSlot = { name, label, input: { ...input, name }, row: null, spare: false };
  if (input.options.length === 0) return [own];
  const chosen = chosenOption(input, values.get(name));
  const brought = chosen?.inputs.flatMap((inner) => expand(inner, `${name}.`, values, linked)) ?? [];
  return [own, ...brought];
}

function chosenOption(input: Input, value: Json | undefined) {
  const key = value ?? input.default ?? input.options[0]?.key;
  return input.options.find((option) => option.key === key);
}

function growingRow(
  input: Input,
  label: string,
  values: ReadonlyMap<string, Json>,
  linked: ReadonlySet<string>,
): readonly InputSlot[] {
  const grows = input.grows ?? { prefix: "", least: 0, most: 0, names: [] };
  const most = grows.names.length > 0 ? grows.names.length : grows.most;
  const names = Array.from(
    { length: most },
    (_, at) => `${input.name}.${grows.names[at] ?? `${grows.prefix}${at}`}`,
  );
  const last = names.findLastIndex((name) => linked.has(name) || values.has(name));
  const shown = Math.min(most, Math.max(grows.least, last + 2));
  return names.slice(0, shown).map((name, at) => ({
    name,
    label:
      grows.names[at] ?? (input.title === null ? name.slice(input.name.length + 1) : `${label} ${at + 1}`),
    input: { ...input, name, grows: null, optional: at >= grows.least },
    row: input.name,
    spare: at > last && at >= grows.least,
  }));
}

/** The value shown for an input: what the document says, else the type's default. */
export function valueOf(node: Node, input: Input): Json {
  return node.inputs.get(input.name) ?? defaultOf(input);
}

/** The value an input starts with. */
export function defaultOf(input: Input): Json {
  if (input.default !== null) return input.default;
  if (input.options.length > 0) return input.options[0]?.key ?? null;
  switch (input.widget?.kind) {
    case "choice":
      return input.widget.options[0] ?? null;
    case "toggle":
      return false;
    case "number":
    case "seed":
      return Math.max(0, input.widget.low ?? 0);
    case "text":
    case "file":
    case "webcam":
      return "";
    case "color":
      return "#000000";
    case undefined:
      return null;
  }
}

/** The literals a new node of a type starts with. */
export function defaultsOf(spec: NodeSpec): ReadonlyMap<string, Json> {
  const values = new Map<string, Json>();
  for (let before = -1; before !== values.size;) {
    before = values.size;
    for (const { name, input, row } of spec.inputs.flatMap((each) => expand(each, "", values, new Set()))) {
      if (row === null && (input.widget !== null || input.options.length > 0))
        values.set(name, defaultOf(input));
    }
  }
  return values;
}

/** The node types of a document: the catalog's, and each subgraph as a type of its own. */
export function specsWith(workflow: Workflow, catalog: Specs): Specs {
  if (workflow.subgraphs.size === 0) return catalog;
  const specs = new Map(catalog);
  for (const [id, graph] of workflow.subgraphs) specs.set(id, subgraphSpec(id, graph, workflow, catalog));
  return specs;
}

function subgraphSpec(id: string, graph: Graph, workflow: Workflow, catalog: Specs): NodeSpec {
  return specOf(id, {
    title: graph.title === "" ? "Subgraph" : graph.title,
    category: "subgraphs",
    inputs: graph.inputs.map((named) => {
      const [target] = named.targets;
      const inner = target && innerInput(workflow, graph, target.node, target.name, catalog);
      const type = named.type === "*" && inner ? inner.type : named.type;
      const fields = { widget: inner?.widget ?? null, default: inner?.default ?? null, title: named.title };
      return inputOf(named.name, type, { ...fields, optional: inner?.optional ?? true });
    }),
    outputs: graph.outputs.map((named) => outputOf(named.name, named.type, { title: named.title })),
  });
}

/** The input a named input of a subgraph stands for, with the value set inside as its default. */
function innerInput(
  workflow: Workflow,
  graph: Graph,
  id: string,
  name: string,
  catalog: Specs,
): Input | undefined {
  const node = graph.nodes.get(id);
  if (node === undefined || workflow.subgraphs.has(node.type)) return undefined;
  const input = slotNamed(graph, id, name, catalog)?.input;
  return input && { ...input, default: node.inputs.get(name) ?? input.default };
}
