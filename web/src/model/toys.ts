/** Small node types and random documents, for tests only. */

import fc from "fast-check";

import { addGroup, addNode, addNote, connect, freeNodeId, newNode, remove, setState, setValue } from "./edit";
import type { Json } from "./json";
import { selectionOf } from "./selection";
import { type NodeSpec, type Specs, inputOf, outputOf, specOf, widgetOf } from "./spec";
import { type Graph, type Workflow, graphOf, linkKey, workflowOf } from "./workflow";

const number = (low: number, high: number) => widgetOf("number", { low, high, step: 1 });

export const TOYS: readonly NodeSpec[] = [
  specOf("CheckpointLoaderSimple", {
    title: "Load Checkpoint",
    category: "loaders",
    inputs: [
      inputOf("ckpt_name", "COMBO", {
        widget: widgetOf("file", { folder: "checkpoints" }),
        default: "a.safetensors",
      }),
    ],
    outputs: [outputOf("MODEL", "MODEL"), outputOf("CLIP", "CLIP"), outputOf("VAE", "VAE")],
  }),
  specOf("CLIPTextEncode", {
    title: "Encode Prompt",
    category: "conditioning",
    inputs: [
      inputOf("text", "STRING", { widget: widgetOf("text", { multiline: true }) }),
      inputOf("clip", "CLIP"),
    ],
    outputs: [outputOf("CONDITIONING", "CONDITIONING")],
  }),
  specOf("KSampler", {
    category: "sampling",
    aliases: ["denoise"],
    inputs: [
      inputOf("model", "MODEL"),
      inputOf("positive", "CONDITIONING"),
      inputOf("latent_image", "LATENT"),
      inputOf("seed", "INT", { widget: widgetOf("seed", { low: 0, high: 2 ** 64 }), default: 0 }),
      inputOf("steps", "INT", { widget: number(1, 100), default: 20 }),
      inputOf("cfg", "FLOAT", { widget: widgetOf("number", { low: 0, high: 100, step: 0.1 }), default: 8 }),
      inputOf("sampler_name", "COMBO", {
        widget: widgetOf("choice", { options: ["euler", "heun"] }),
        default: "euler",
      }),
      inputOf("eta", "FLOAT", { widget: number(0, 1), default: 1, advanced: true }),
    ],
    outputs: [outputOf("LATENT", "LATENT")],
  }),
  specOf("EmptyLatentImage", {
    inputs: [inputOf("width", "INT", { widget: number(16, 4096), default: 512 })],
    outputs: [outputOf("LATENT", "LATENT")],
  }),
  specOf("VAEDecode", {
    title: "VAE Decode",
    category: "latent",
    inputs: [inputOf("samples", "LATENT"), inputOf("vae", "VAE")],
    outputs: [outputOf("IMAGE", "IMAGE")],
  }),
  specOf("ImageInvert", {
    category: "image",
    inputs: [inputOf("image", "IMAGE")],
    outputs: [outputOf("IMAGE", "IMAGE")],
  }),
  specOf("SaveImage", {
    title: "Save Image",
    category: "image",
    terminal: true,
    inputs: [
      inputOf("images", "IMAGE"),
      inputOf("filename_prefix", "STRING", { widget: widgetOf("text"), default: "image" }),
    ],
  }),
  specOf("WebcamCapture", {
    inputs: [
      inputOf("image", "WEBCAM", { widget: widgetOf("webcam", { folder: "input" }) }),
      inputOf("capture_on_queue", "BOOLEAN", { widget: widgetOf("toggle"), default: true }),
    ],
    outputs: [outputOf("IMAGE", "IMAGE")],
  }),
  specOf("JoinImages", {
    inputs: [inputOf("images", "IMAGE", { grows: { prefix: "image", least: 1, most: 4, names: [] } })],
    outputs: [outputOf("IMAGE", "IMAGE")],
  }),
  specOf("Switch", {
    inputs: [
      inputOf("condition", "BOOLEAN", { widget: widgetOf("toggle"), default: true }),
      inputOf("on_true", "*", { template: "T" }),
      inputOf("on_false", "*", { template: "T" }),
    ],
    outputs: [outputOf("output", "*", { template: "T" })],
  }),
  specOf("Resize", {
    inputs: [
      inputOf("image", "IMAGE"),
      inputOf("mode", "COMBO", {
        widget: widgetOf("choice", { options: ["by", "to"] }),
        default: "by",
        options: [
          { key: "by", inputs: [inputOf("factor", "FLOAT", { widget: number(0, 8), default: 2 })] },
          { key: "to", inputs: [inputOf("width", "INT", { widget: number(1, 99), default: 64 })] },
        ],
      }),
    ],
    outputs: [outputOf("IMAGE", "IMAGE")],
  }),
];

export const SPECS: Specs = new Map(TOYS.map((spec) => [spec.type, spec]));

export function toy(type: string): NodeSpec {
  const spec = SPECS.get(type);
  if (spec === undefined) throw new Error(`There is no toy ${type}.`);
  return spec;
}

/** A graph of these types, by id; then links, as "from.OUTPUT > to.input". */
export function graphWith(nodes: Readonly<Record<string, string>>, ...links: readonly string[]): Graph {
  const start = Object.entries(nodes).reduce(
    (graph, [id, type]) => addNode(graph, id, newNode(toy(type), [0, 0])),
    graphOf(),
  );
  return links.reduce((graph, text) => {
    const [from = "", to = ""] = text.split(" > ");
    return connect(graph, portOf(from), portOf(to));
  }, start);
}

export function portOf(text: string) {
  const at = text.indexOf(".");
  return { node: text.slice(0, at), name: text.slice(at + 1) };
}

/** Text to image, as everyone begins. */
export const TEXT_TO_IMAGE: Graph = graphWith(
  {
    loader: "CheckpointLoaderSimple",
    prompt: "CLIPTextEncode",
    empty: "EmptyLatentImage",
    sampler: "KSampler",
    decode: "VAEDecode",
    save: "SaveImage",
  },
  "loader.CLIP > prompt.clip",
  "loader.MODEL > sampler.model",
  "prompt.CONDITIONING > sampler.positive",
  "empty.LATENT > sampler.latent_image",
  "sampler.LATENT > decode.samples",
  "loader.VAE > decode.vae",
  "decode.IMAGE > save.images",
);

/** Keys that a careless program would take for something else. */
export const anyKey = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "1", "01", "a b", "é"),
  fc.string({ minLength: 1, maxLength: 8 }),
);

export const anyJson: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value)),
    fc.string(),
    fc.array(tie("json"), { maxLength: 3 }),
    fc.dictionary(anyKey, tie("json"), { maxKeys: 3 }),
  ),
})).json;

type Edit = (graph: Graph) => Graph;

/** A random edit of whatever graph there is. */
export const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...TOYS)
      .map((spec) => (graph: Graph) => addNode(graph, freeNodeId(graph, spec.type), newNode(spec, [0, 0]))),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat())
      .map((picks) => (graph: Graph) => connectSome(graph, picks)),
  },
  {
    weight: 1,
    arbitrary: fc
      .nat()
      .map((pick) => (graph: Graph) => remove(graph, selectionOf({ nodes: new Set(idAt(graph, pick)) }))),
  },
  {
    weight: 1,
    arbitrary: fc
      .nat()
      .map(
        (pick) => (graph: Graph) =>
          remove(
            graph,
            selectionOf({ links: new Set(graph.links.slice(pick % (graph.links.length + 1)).map(linkKey)) }),
          ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), anyKey, anyJson).map(
      ([pick, name, value]) =>
        (graph: Graph) =>
          idAt(graph, pick).reduce((each, id) => setValue(each, id, name, value), graph),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat().map((pick) => (graph: Graph) => setState(graph, idAt(graph, pick), "skipped")),
  },
  {
    weight: 1,
    arbitrary: fc
      .string()
      .map((text) => (graph: Graph) => addNote(graph, `note_${graph.notes.length}`, text, [3, 4])),
  },
  {
    weight: 1,
    arbitrary: fc
      .string()
      .map((text) => (graph: Graph) => addGroup(graph, `group_${graph.groups.length}`, text, [1, 2, 3, 4])),
  },
);

function idAt(graph: Graph, pick: number): readonly string[] {
  const ids = [...graph.nodes.keys()];
  return ids.slice(pick % (ids.length + 1)).slice(0, 1);
}

function connectSome(graph: Graph, [a, b, c, d]: readonly [number, number, number, number]): Graph {
  const nodes = [...graph.nodes];
  const [from, source] = nodes[a % Math.max(1, nodes.length)] ?? [];
  const [to, target] = nodes[b % Math.max(1, nodes.length)] ?? [];
  if (from === undefined || source === undefined || to === undefined || target === undefined) return graph;
  const outputs = SPECS.get(source.type)?.outputs ?? [];
  const inputs = SPECS.get(target.type)?.inputs ?? [];
  const output = outputs[c % Math.max(1, outputs.length)]?.name;
  const input = inputs[d % Math.max(1, inputs.length)]?.name;
  return output === undefined || input === undefined
    ? graph
    : connect(graph, { node: from, name: output }, { node: to, name: input });
}

export const anyGraph: fc.Arbitrary<Graph> = fc
  .array(anyEdit, { maxLength: 25 })
  .map((edits) => edits.reduce((graph, edit) => edit(graph), graphOf()));

export const anyWorkflow: fc.Arbitrary<Workflow> = fc
  .tuple(
    anyGraph,
    fc.dictionary(anyKey, anyGraph, { maxKeys: 2 }),
    fc.dictionary(anyKey, anyJson, { maxKeys: 2 }),
    fc.string(),
  )
  .map(([graph, subgraphs, extra, title]) =>
    workflowOf({ ...graph, title }, { id: title, subgraphs: new Map(Object.entries(subgraphs)), extra }),
  );

/** What must hold of every graph: an input has one link, and everything named exists. */
export function faultsOf(graph: Graph): readonly string[] {
  const has = (node: string) => graph.nodes.has(node);
  const keys = graph.links.map(linkKey);
  return [
    ...graph.links
      .filter((link) => !has(link.from.node) || !has(link.to.node))
      .map((link) => `dangling ${linkKey(link)}`),
    ...graph.links.filter((link) => link.from.node === link.to.node).map((link) => `loop ${linkKey(link)}`),
    ...keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `two links into ${key}`),
    ...graph.inputs.flatMap((named) =>
      named.targets.filter((port) => !has(port.node)).map(() => `lost name ${named.name}`),
    ),
    ...graph.outputs.filter((named) => !has(named.source.node)).map((named) => `lost name ${named.name}`),
  ];
}
