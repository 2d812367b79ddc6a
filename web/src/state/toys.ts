/** A small server and browser in memory, for tests only. */

import type { Socket } from "../api/events";
import { toJson } from "../model/format";
import { type JsonObject, isObject, readJson, writeJson } from "../model/json";
import { TEXT_TO_IMAGE, TOYS } from "../model/toys";
import { workflowOf } from "../model/workflow";
import { NoCamera } from "./camera";
import { type Environment, type Shelf, memoryShelf } from "./environment";
import { type Editor, createEditor } from "./store";

export class ToySocket implements Socket {
  binaryType: BinaryType = "blob";
  onopen: Socket["onopen"] = null;
  onclose: Socket["onclose"] = null;
  onmessage: Socket["onmessage"] = null;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  close(): void {
    this.onclose?.(new CloseEvent("close"));
  }

  open(): void {
    this.onopen?.(new Event("open"));
  }

  say(event: JsonObject): void {
    this.onmessage?.(new MessageEvent("message", { data: writeJson(event) }));
  }

  show(header: JsonObject, picture: string): void {
    const text = new TextEncoder().encode(writeJson(header));
    const frame = new Uint8Array([0, 0, 0, text.length, ...text, ...new TextEncoder().encode(picture)]);
    this.onmessage?.(new MessageEvent("message", { data: frame.buffer }));
  }
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Headers;
}

export type Route = (request: Request) => Response;

export function json(
  data: JsonObject,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(writeJson(data), { status, headers: { ...headers } });
}

export function problem(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const fault = { code, message: `It is ${code}.`, hint: "", node: null, input: null, warning: false };
  return json({ problems: [fault] }, status, headers);
}

export function run(id: string, fields: JsonObject = {}): JsonObject {
  const empty = { outputs: [], problems: [], started: null, finished: null, position: null, attempt: 0 };
  return { id, state: "queued", title: "", created: 1, ...empty, ...fields };
}

const QUIET = { device: null, queued: 0, running: 0, seq: 10, running_from: 10 };
const SYSTEM = { version: "0", worker: "ready", reason: "", ...QUIET };

/** What the server answers, by "METHOD /path"; each may be replaced. */
export function routes(): Map<string, Route> {
  return new Map<string, Route>([
    ["GET /v1/system", () => json(SYSTEM)],
    [
      "GET /v1/nodes",
      () => json({ nodes: readJson(JSON.stringify(TOYS)), broken: [], stale: false }, 200, { ETag: '"1"' }),
    ],
    ["GET /v1/models", () => json({ folders: { checkpoints: ["a.safetensors"] } })],
    ["GET /v1/runs", () => json({ items: [], next: null })],
    ["GET /v1/templates/text_to_image", () => json(toJson(workflowOf(TEXT_TO_IMAGE)), 200, { ETag: '"t"' })],
    ["POST /v1/runs", () => json(run("r1"), 201)],
  ]);
}

export interface World {
  readonly editor: Editor;
  readonly environment: Environment;
  readonly server: Map<string, Route>;
  readonly requests: Request[];
  readonly sockets: ToySocket[];
  readonly urls: Set<string>;
  /** The computer has no camera, until a test connects one. */
  readonly lens: { open: Environment["camera"] };
  /** Let everything that waits happen: timers too. */
  readonly settle: () => Promise<void>;
  /** Answers and promises only; timers wait. */
  readonly breathe: () => Promise<void>;
}

/** An editor, in a browser with that storage. */
export function world(
  local: Shelf = memoryShelf(),
  session: Shelf = memoryShelf(),
  taken = new Set<string>(),
): World {
  const server = routes();
  const requests: Request[] = [];
  const sockets: ToySocket[] = [];
  const urls = new Set<string>();
  const lens: World["lens"] = { open: () => Promise.reject(new NoCamera("absent")) };
  const timers = new Map<number, () => void>();
  let count = 0;
  const environment: Environment = {
    local,
    session,
    now: () => 1000,
    random: () => BigInt((count += 1)) + BigInt(local.keys().length) * 1000n,
    fetch: async (url, init = {}) => {
      const body = typeof init.body === "string" ? init.body : "";
      const request = {
        method: init.method ?? "GET",
        path: url.replace(/\?.*/, ""),
        body,
        headers: new Headers(init.headers),
      };
      requests.push(request);
      await Promise.resolve();
      return server.get(`${request.method} ${request.path}`)?.(request) ?? problem(404, "not_found");
    },
    socket: (path) => {
      const socket = new ToySocket(path);
      sockets.push(socket);
      return socket;
    },
    claim: (name) => {
      const free = !taken.has(name);
      taken.add(name);
      return Promise.resolve(free ? "ours" : "taken");
    },
    later: (action) => {
      const id = (count += 1);
      timers.set(id, action);
      return () => void timers.delete(id);
    },
    objectUrl: () => {
      const url = `blob:${(count += 1)}`;
      urls.add(url);
      return url;
    },
    revokeUrl: (url) => void urls.delete(url),
    camera: () => lens.open(),
    onHide: () => undefined,
  };
  const breathe = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
  const settle = async (): Promise<void> => {
    await breathe();
    for (let round = 0; round < 5 && timers.size > 0; round += 1) {
      for (const [id, action] of [...timers]) {
        timers.delete(id);
        action();
      }
      await breathe();
    }
  };
  const editor = createEditor(environment);
  return { editor, environment, server, requests, sockets, urls, lens, settle, breathe };
}

/** A world whose editor has started, with its socket open. */
export async function started(
  ...storage: Parameters<typeof world>
): Promise<World & { readonly socket: ToySocket }> {
  const made = world(...storage);
  await made.editor.start();
  await made.breathe();
  const socket = made.sockets.at(-1) ?? new ToySocket("none");
  socket.open();
  return { ...made, socket };
}

export function bodyOf(request: Request | undefined): JsonObject {
  const data = readJson(request?.body ?? "{}");
  return isObject(data) ? data : {};
}
