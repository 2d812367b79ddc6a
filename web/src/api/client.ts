/** Every route of /v1, typed. A refusal becomes `Refused` with its problems; no answer becomes `Unreachable`. */

import type { Json, JsonObject } from "../model/json";
import { readJson, writeJson } from "../model/json";
import { problemOf } from "../model/problem";
import { decodeCatalog, decodeProblems, decoded } from "./decode";
import type {
  Catalog,
  FileFolder,
  FileInfo,
  FileList,
  Folders,
  Imported,
  Problem,
  Run,
  RunList,
  RunState,
  System,
  WorkflowList,
} from "./types";

/** The server said no, and why. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly problems: readonly Problem[];
  /** For 503: when to ask again. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, problems: readonly Problem[], retryAfterSeconds: number | null = null) {
    super(problems[0]?.message ?? `The server answered with status ${status}.`);
    this.status = status;
    this.problems = problems;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  has(code: string): boolean {
    return this.problems.some((problem) => problem.code === code);
  }
}

/** No answer came: the server is down or the network is. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

export interface Submission {
  readonly workflow: JsonObject;
  readonly targets?: readonly string[] | null;
  readonly values?: JsonObject;
  readonly title?: string;
  readonly front?: boolean;
}

export interface Page {
  readonly limit?: number;
  readonly before?: string | null;
}

/** A saved document's text and the revision the next write must name. */
export interface Stored {
  readonly text: string;
  readonly revision: string;
}

/** How a write is guarded: over that revision, or only if new. */
export type Guard = { readonly over: string } | "new";

export type ThumbnailSize = 256 | 512 | 1024;

export type Client = ReturnType<typeof createClient>;
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** A client of the server at `base` ("" is the server the page came from). */
export function createClient(fetch: Fetch, base = "") {
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    let answer: Response;
    try {
      answer = await fetch(`${base}/v1${path}`, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new Unreachable("The server does not answer. Check that Photogram is still running.", {
        cause: error,
      });
    }
    if (!answer.ok && answer.status !== 304) throw await refusal(answer);
    return answer;
  };
  const get = async (path: string, init?: RequestInit): Promise<Json> =>
    readJson(await (await send(path, init)).text());
  const post = async (path: string, body: Json): Promise<Json> =>
    readJson(await (await send(path, { method: "POST", headers: JSON_TYPE, body: writeJson(body) })).text());
  const stored = async (path: string): Promise<Stored> => {
    const answer = await send(path);
    return { text: await answer.text(), revision: revisionOf(answer) };
  };
  const put = async (name: string, text: string, guard: Guard): Promise<string> => {
    const headers = { ...JSON_TYPE, ...guardHeaders(guard) };
    return revisionOf(
      await send(`/workflows/${encodeURIComponent(name)}`, { method: "PUT", headers, body: text }),
    );
  };

  return {
    submit: async (submission: Submission) => decoded<Run>(await post("/runs", { ...submission })),
    runs: async (page: Page & { readonly state?: RunState } = {}) =>
      decoded<RunList>(await get(`/runs${query({ ...page })}`)),
    run: async (id: string) => decoded<Run>(await get(`/runs/${encodeURIComponent(id)}`)),
    runWorkflow: async (id: string) => (await send(`/runs/${encodeURIComponent(id)}/workflow`)).text(),
    cancel: async (id: string) =>
      decoded<Run>(await get(`/runs/${encodeURIComponent(id)}/cancel`, { method: "POST" })),
    cancelQueued: async () => {
      await send("/runs/cancel", { method: "POST", headers: JSON_TYPE, body: '{"state":"queued"}' });
    },
    /** Null: not changed since `etag`. */
    catalog: async (
      etag: string | null = null,
    ): Promise<{ catalog: Catalog; etag: string | null } | null> => {
      const answer = await send("/nodes", etag === null ? {} : { headers: { "If-None-Match": etag } });
      if (answer.status === 304) return null;
      return { catalog: decodeCatalog(readJson(await answer.text())), etag: answer.headers.get("ETag") };
    },
    folders: async () => decoded<Folders>(await get("/models")).folders,
    workflows: async () => decoded<WorkflowList>(await get("/workflows")).items,
    workflow: (name: string) => stored(`/workflows/${encodeURIComponent(name)}`),
    /** The new revision. */
    saveWorkflow: put,
    deleteWorkflow: async (name: string) => {
      await send(`/workflows/${encodeURIComponent(name)}`, { method: "DELETE" });
    },
    templates: async () => decoded<WorkflowList>(await get("/templates")).items,
    template: (name: string) => stored(`/templates/${encodeURIComponent(name)}`),
    templatePicture: (name: string) => `${base}/v1/templates/${encodeURIComponent(name)}/picture`,
    import: async (file: Blob | string) =>
      decoded<Imported>(
        readJson(await (await send("/import", { method: "POST", headers: BYTES, body: file })).text()),
      ),
    upload: async (file: Blob, name: string, folder: FileFolder = "input") => {
      const form = new FormData();
      form.append("folder", folder);
      form.append("file", file, name);
      return decoded<FileInfo>(readJson(await (await send("/files", { method: "POST", body: form })).text()));
    },
    files: async (folder: FileFolder, page: Page = {}) =>
      decoded<FileList>(await get(`/files${query({ folder, ...page })}`)),
    /** Where a file's bytes are; with a size, a thumbnail of it. */
    fileUrl: (folder: FileFolder, name: string, size?: ThumbnailSize) =>
      `${base}/v1/files/${folder}/${name.split("/").map(encodeURIComponent).join("/")}${query({ size })}`,
    system: async () => decoded<System>(await get("/system")),
  };
}

const JSON_TYPE = { "Content-Type": "application/json" };
const BYTES = { "Content-Type": "application/octet-stream" };

function guardHeaders(guard: Guard): Readonly<Record<string, string>> {
  return guard === "new" ? { "If-None-Match": "*" } : { "If-Match": `"${guard.over}"` };
}

function revisionOf(answer: Response): string {
  return (answer.headers.get("ETag") ?? "").replace(/^(?:W\/)?"(.*)"$/, "$1");
}

function query(values: Readonly<Record<string, string | number | null | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [[key, String(value)]],
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text().catch(() => "");
  const problems = decodeProblems(text) ?? [
    problemOf("http_error", `The server answered with status ${answer.status}.`, { hint: answer.statusText }),
  ];
  const seconds = Number(answer.headers.get("Retry-After") ?? "");
  return new Refused(answer.status, problems, seconds > 0 ? seconds : null);
}
