// Generated from server/api.py and graph/*.py by `python -m tools.typescript`. Do not edit.

/** Plain JSON data. Integers beyond 2^53 are bigint: decode with the reviver that keeps source text. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject { readonly [key: string]: Json }

export type WidgetKind = "number" | "text" | "choice" | "toggle" | "seed" | "file" | "color" | "webcam";

export type NodeState = "on" | "skipped" | "off";

export type SeedMode = "fixed" | "random" | "increment" | "decrement";

export type RunState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export type WorkerState = "starting" | "ready" | "restarting" | "failed";

export type FileFolder = "input" | "output" | "temp";

/** A titled frame around nodes: x, y, width, height in canvas pixels. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly bounds: readonly [number, number, number, number];
  readonly color?: string | null;
  readonly extra?: { readonly [key: string]: Json };
}

/** Text on the canvas, in Markdown without raw HTML. */
export interface Note {
  readonly id: string;
  readonly text: string;
  readonly position?: readonly [number, number];
  readonly size?: readonly [number, number];
  readonly color?: string | null;
  readonly extra?: { readonly [key: string]: Json };
}

/** An input of the whole graph: its value goes to every target, a pair of node id and input name. */
export interface NamedInput {
  readonly name: string;
  readonly targets: readonly (readonly [string, string])[];
  readonly type?: string;
  readonly title?: string | null;
  readonly extra?: { readonly [key: string]: Json };
}

/** An output of the whole graph: the node id and output name it shows. */
export interface NamedOutput {
  readonly name: string;
  readonly source: readonly [string, string];
  readonly type?: string;
  readonly title?: string | null;
  readonly extra?: { readonly [key: string]: Json };
}

/**
 * Queue a workflow: our document, or a file of the field (either of its formats).
 *
 * `targets` are node ids to run up to (every terminal node if absent). `values` sets inputs before the run:
 * keys are `node.input`, or the name of one of the workflow's named inputs.
 */
export interface RunRequest {
  readonly workflow: { readonly [key: string]: Json };
  readonly targets?: readonly string[] | null;
  readonly values?: { readonly [key: string]: Json };
  readonly title?: string;
  readonly front?: boolean;
}

/** Cancel every run in that state. */
export interface CancelRequest {
  readonly state?: "queued";
}

/**
 * One fault, told to a person: what is wrong, on which node and input, and what to do about it.
 *
 * `code` is stable and for programs: `unknown_node`, `missing_input`, `type_mismatch`, `value_out_of_range`,
 * `not_an_option`, `wrong_kind`, `missing_file`, `cycle`, `dangling_link`, `lengths_differ`,
 * `other_version`, `value_cut`, ...
 * A `warning` does not stop a run.
 */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly node: string | null;
  readonly input: string | null;
  readonly warning: boolean;
}

/**
 * How a value is edited. Which fields count depends on `kind`.
 *
 * number: low, high, step, round_to, slider, cut_to (whole when the input's type is INT)
 * text: multiline, placeholder, dynamic     choice: options       toggle: label_on, label_off
 * seed: low, high                           file: folder, upload  color: none (the value is "#rrggbb")
 * webcam: folder (where the pictures are that the camera took)
 */
export interface Widget {
  readonly kind: WidgetKind;
  readonly low: number | null;
  readonly high: number | null;
  readonly step: number | null;
  readonly round_to: number | null;
  readonly slider: boolean;
  readonly multiline: boolean;
  readonly placeholder: string;
  readonly dynamic: boolean;
  readonly options: readonly (string | number)[];
  readonly label_on: string;
  readonly label_off: string;
  readonly folder: string;
  readonly upload: boolean;
  readonly cut_to: number | null;
}

/** A row of inputs that grows: `images` has inputs `images.image0`, `images.image1`, ... */
export interface Grows {
  readonly prefix: string;
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

/**
 * One choice of a variant input, and the inputs it brings: `resize_type` and then `resize_type.width`.
 *
 * The inputs are named here without the prefix (`width`); `graph.declared` adds it. The variant itself is a
 * COMBO whose widget offers the keys.
 */
export interface Option {
  readonly key: string;
  readonly inputs: readonly Input[];
}

/**
 * One input of a node.
 *
 * `type` is a wire type such as `IMAGE` or `INT`; a union is `A,B`; `*` takes anything. Inputs and outputs
 * that share a `template` agree on one type. What has a `widget` can be edited in place, and also wired.
 */
export interface Input {
  readonly name: string;
  readonly type: string;
  readonly widget: Widget | null;
  readonly default: Json;
  readonly optional: boolean;
  readonly lazy: boolean;
  readonly takes_list: boolean;
  readonly template: string | null;
  readonly grows: Grows | null;
  readonly options: readonly Option[];
  readonly title: string | null;
  readonly tooltip: string;
  readonly advanced: boolean;
}

/** One output of a node. `gives_list`: what follows runs once for each item. */
export interface Output {
  readonly name: string;
  readonly type: string;
  readonly gives_list: boolean;
  readonly template: string | null;
  readonly title: string | null;
  readonly tooltip: string;
}

/** Everything anybody but the worker needs to know about a node type. Pure data. */
export interface NodeSpec {
  readonly type: string;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  readonly title: string;
  readonly category: string;
  readonly description: string;
  readonly pack: string;
  readonly version: number;
  readonly terminal: boolean;
  readonly cache: boolean;
  readonly is_async: boolean;
  readonly has_validator: boolean;
  readonly has_dynamic_inputs: boolean;
  readonly upgrades_from: readonly number[];
  readonly keyed_by_id: boolean;
  readonly grad: boolean;
  readonly deprecated: boolean;
  readonly experimental: boolean;
  readonly aliases: readonly string[];
}

/** The body of every refusal. */
export interface Problems {
  readonly problems: readonly Problem[];
}

/**
 * Something a node shows. A file is at /v1/files/{folder}/{name}; a text stands in `text`.
 *
 * `file` is one that is neither picture nor video, such as weights that were saved.
 */
export interface ShownItem {
  readonly kind: "image" | "video" | "file" | "text";
  readonly folder: FileFolder;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly text: string;
}

/** What one node of a run showed. */
export interface RunOutput {
  readonly node: string;
  readonly items: readonly ShownItem[];
}

/** One submission of a workflow. Times are seconds since 1970; `attempt` grows when a worker died. */
export interface Run {
  readonly id: string;
  readonly state: RunState;
  readonly title: string;
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly attempt: number;
  readonly position: number | null;
  readonly outputs: readonly RunOutput[];
  readonly problems: readonly Problem[];
}

/** A page of runs, newest first; `next` is the `before` of the following page. */
export interface RunList {
  readonly items: readonly Run[];
  readonly next: string | null;
}

/** A node pack that could not be imported, and why. */
export interface BrokenPack {
  readonly name: string;
  readonly reason: string;
}

/** Every node type there is. `stale`: from the last start; the worker has not answered yet. */
export interface Catalog {
  readonly nodes: readonly NodeSpec[];
  readonly broken: readonly BrokenPack[];
  readonly stale: boolean;
}

/** One file of a folder; sizes in pixels, 0 if unknown. */
export interface FileInfo {
  readonly folder: FileFolder;
  readonly name: string;
  readonly bytes: number;
  readonly modified: number;
  readonly width: number;
  readonly height: number;
}

/** A page of files, newest first; `next` is the `before` of the following page. */
export interface FileList {
  readonly items: readonly FileInfo[];
  readonly next: string | null;
}

/** The names a file picker offers, by folder: checkpoints, loras, controlnet, ..., input. */
export interface Folders {
  readonly folders: { readonly [key: string]: readonly string[] };
}

/**
 * A saved workflow or a template. `revision` is what the next write must name.
 *
 * A `damaged` one cannot be loaded, only replaced or removed; asked for, it tells why.
 */
export interface WorkflowInfo {
  readonly name: string;
  readonly title: string;
  readonly revision: string;
  readonly modified: number;
  readonly picture: string | null;
  readonly description: string;
  readonly damaged: boolean;
}

/** Every saved workflow, or every template. */
export interface WorkflowList {
  readonly items: readonly WorkflowInfo[];
}

/** A file of any known format as our document; `problems` says what could not be carried over exactly. */
export interface Imported {
  readonly workflow: { readonly [key: string]: Json };
  readonly source: "photogram" | "ui" | "api";
  readonly problems: readonly Problem[];
}

/** What computes. Bytes; 0 where unknown. */
export interface Device {
  readonly kind: string;
  readonly name: string;
  readonly total_bytes: number;
  readonly free_bytes: number;
  readonly precision: string;
}

/** The state of the server and its worker. */
export interface System {
  readonly version: string;
  readonly worker: WorkerState;
  readonly reason: string;
  readonly device: Device | null;
  readonly queued: number;
  readonly running: number;
  readonly seq: number;
  readonly running_from: number;
}

/** The first frame when the events asked for are no longer kept: read the state again, go on at `seq`. */
export interface Resync {
  readonly seq: number;
  readonly kind: "resync";
}

/** What stands before the picture in a binary frame. */
export interface PreviewHeader {
  readonly run: string;
  readonly node: string;
  readonly done: number;
  readonly total: number;
  readonly mime: string;
}

/** Results known from before: one event for all when a run starts, later ones one by one. */
export interface NodesReused {
  readonly nodes: readonly string[];
  readonly kind: "nodes_reused";
}

/** A node begins to run. */
export interface NodeStarted {
  readonly node: string;
  readonly kind: "node_started";
}

/** `done` of `total` steps of a node are finished. */
export interface NodeProgress {
  readonly node: string;
  readonly done: number;
  readonly total: number;
  readonly kind: "node_progress";
}

/** What a node shows, for example `{"kind": "image", "folder": "output", "name": "a_00001_.png", ...}`. */
export interface NodeShown {
  readonly node: string;
  readonly items: readonly ({ readonly [key: string]: Json })[];
  readonly kind: "node_shown";
}

/** A node has run. Reused ones never say so. */
export interface NodeFinished {
  readonly node: string;
  readonly seconds: number;
  readonly kind: "node_finished";
}

/** A node failed, was passed over with a message, or warned. */
export interface NodeProblem {
  readonly node: string;
  readonly problem: Problem;
  readonly kind: "node_problem";
}

/** A run was accepted; it is durable. */
export interface RunQueued {
  readonly run: string;
  readonly title: string;
  readonly kind: "run_queued";
}

/** A worker took a run. */
export interface RunStarted {
  readonly run: string;
  readonly attempt: number;
  readonly total: number;
  readonly kind: "run_started";
}

/** A run ended, one way or another. */
export interface RunFinished {
  readonly run: string;
  readonly state: RunState;
  readonly seconds: number;
  readonly problems: readonly Problem[];
  readonly kind: "run_finished";
}

/** How many runs wait and run now. */
export interface QueueChanged {
  readonly queued: number;
  readonly running: number;
  readonly kind: "queue_changed";
}

/** The worker starts, is ready, restarts or failed. */
export interface WorkerChanged {
  readonly worker: WorkerState;
  readonly reason: string;
  readonly kind: "worker_changed";
}

/** The node types changed; ask again. */
export interface CatalogChanged {
  readonly kind: "catalog_changed";
}

/** File lists or saved workflows changed; ask again. */
export interface FoldersChanged {
  readonly kind: "folders_changed";
}

/** What one event says; the union is on `kind`. */
export type EventBody = NodesReused | NodeStarted | NodeProgress | NodeShown | NodeFinished | NodeProblem | RunQueued | RunStarted | RunFinished | QueueChanged | WorkerChanged | CatalogChanged | FoldersChanged;

/** A text frame of /v1/events: `run` is absent where no run is concerned. */
export type ServerEvent = Resync | (EventBody & { readonly seq: number; readonly run?: string });
