/** Opening and saving: the server's workflows, templates, runs' documents, and files dropped on the page. */

import { type Client, type Guard, Refused } from "../api/client";
import type { Imported, WorkflowInfo } from "../api/types";
import { UnreadableWorkflow, fromJson, parse, serialise } from "../model/format";
import { UnreadableJson } from "../model/json";
import type { Workflow } from "../model/workflow";
import type { Documents } from "./document";
import type { Notices } from "./notices";

export type Saved =
  | { readonly kind: "saved"; readonly name: string }
  /** It has no name yet: ask for one. */
  | { readonly kind: "nameless" }
  /** It was changed elsewhere, or the name is taken: offer to overwrite, or another name. */
  | { readonly kind: "conflict"; readonly name: string }
  | { readonly kind: "failed" };

export interface SaveOptions {
  /** Save as. */
  readonly name?: string;
  /** Over whatever is there. */
  readonly overwrite?: boolean;
}

export interface Files {
  save(options?: SaveOptions): Promise<Saved>;
  /** Open one of the server's workflows; if it is open already, its tab comes to the front. */
  open(name: string): Promise<boolean>;
  openTemplate(name: string): Promise<boolean>;
  /** The document as a run had it, with the seeds it used. */
  openRun(run: string): Promise<boolean>;
  /** Put a run's document in place of the present one, as one undo step. */
  restoreRun(run: string): Promise<boolean>;
  /** Open a file of any format that is known: ours, the field's, pictures with one inside. */
  import(file: Blob, name: string): Promise<boolean>;
  /** The workflow inside a file, as the server reads it; null if there is none. */
  inside(file: Blob): Promise<Imported | null>;
  openImported(imported: Imported, name: string): void;
  /** The document's text, for a download, and a name for that file. */
  exported(): { readonly text: string; readonly name: string };
  workflows(): Promise<readonly WorkflowInfo[]>;
  templates(): Promise<readonly WorkflowInfo[]>;
  delete(name: string): Promise<boolean>;
  /** What a page without a past begins with. */
  openStartup(): Promise<void>;
}

export interface FilesParts {
  readonly client: Client;
  readonly document: Documents;
  readonly notices: Notices;
}

const STARTUP_TEMPLATE = "text_to_image";

export function createFiles({ client, document, notices }: FilesParts): Files {
  const attempt = async <T>(otherwise: T, action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      if (error instanceof UnreadableWorkflow || error instanceof UnreadableJson)
        notices.error(error.message);
      else notices.failure(error);
      return otherwise;
    }
  };
  const openText = (text: string, name: string | null, revision: string | null): boolean => {
    document.open(parse(text), { name, revision });
    return true;
  };
  const openImported: Files["openImported"] = (imported, name) => {
    const workflow = titled(fromJson(imported.workflow), name.replace(/\.[^.]*$/, ""));
    document.open(workflow, { dirty: true });
    for (const problem of imported.problems) notices.error(problem.message, problem.hint);
  };
  return {
    ...saving({ client, document, notices }),
    openImported,
    inside: async (file) => {
      try {
        return await client.import(file);
      } catch (error) {
        if (error instanceof Refused && error.status >= 400 && error.status < 500) return null;
        notices.failure(error);
        return null;
      }
    },
    open: (name) =>
      attempt(false, async () => {
        const known = document.store.getState().desk.documents.find((each) => each.name === name);
        if (known !== undefined) {
          document.show(known.key);
          return true;
        }
        const { text, revision } = await client.workflow(name);
        return openText(text, name, revision);
      }),
    openTemplate: (name) =>
      attempt(false, async () => openText((await client.template(name)).text, null, null)),
    openRun: (run) => attempt(false, async () => openText(await client.runWorkflow(run), null, null)),
    restoreRun: (run) =>
      attempt(false, async () => {
        const workflow = parse(await client.runWorkflow(run));
        document.change("restore the settings of a run", () => workflow);
        return true;
      }),
    import: (file, name) =>
      attempt(false, async () => {
        openImported(await client.import(file), name);
        return true;
      }),
    workflows: () => attempt([], () => client.workflows()),
    templates: () => attempt([], () => client.templates()),
    openStartup: async () => {
      try {
        openText((await client.template(STARTUP_TEMPLATE)).text, null, null);
      } catch {
        // Without a server or that template the page begins empty; the connection tells why.
      }
    },
  };
}

function saving({ client, document, notices }: FilesParts) {
  const save: Files["save"] = async ({ name: as, overwrite = false } = {}) => {
    const { key, name: present, revision, workflow } = document.store.getState();
    const name = as ?? present;
    if (name === null) return { kind: "nameless" };
    const known = name === present && revision !== null;
    try {
      const guard: Guard = overwrite ? await whatIsThere(client, name) : known ? { over: revision } : "new";
      const written = await client.saveWorkflow(name, serialise(workflow), guard);
      document.markSaved(key, workflow, name, written);
      return { kind: "saved", name };
    } catch (error) {
      if (error instanceof Refused && error.status === 412) return { kind: "conflict", name };
      notices.failure(error);
      return { kind: "failed" };
    }
  };
  return {
    save,
    exported: () => {
      const { workflow, title } = document.store.getState();
      return { text: serialise(workflow), name: `${title.replace(/[\\/:*?"<>|]+/g, "_")}.json` };
    },
    delete: async (name: string) => {
      try {
        await client.deleteWorkflow(name);
        return true;
      } catch (error) {
        notices.failure(error);
        return false;
      }
    },
  };
}

/** Name what a write goes over: the revision that is there now. */
async function whatIsThere(client: Client, name: string): Promise<Guard> {
  try {
    return { over: (await client.workflow(name)).revision };
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return "new";
    throw error;
  }
}

function titled(workflow: Workflow, title: string): Workflow {
  return workflow.graph.title === "" ? { ...workflow, graph: { ...workflow.graph, title } } : workflow;
}
