/** The whole editor without its face: stores, and what a person can do with them. One per page. */

import type { StoreApi } from "zustand/vanilla";

import { type Client, createClient } from "../api/client";
import { type Cameras, createCameras } from "./cameras";
import { type Catalogs, createCatalog } from "./catalog";
import { type Connection, createConnection } from "./connection";
import { type Documents, createDocuments } from "./document";
import type { Environment } from "./environment";
import { type Faults, createFaults } from "./faults";
import { type Files, createFiles } from "./files";
import { type Notices, createNotices } from "./notices";
import { type Runs, createRuns } from "./runs";
import { type Settings, createSettings } from "./settings";
import { type Submitter, createSubmitter } from "./submit";

export interface Editor {
  readonly client: Client;
  readonly document: Documents;
  readonly catalog: Catalogs;
  readonly cameras: Cameras;
  readonly runs: Runs;
  readonly connection: Connection;
  readonly settings: Settings;
  readonly notices: Notices;
  /** What is wrong with the document in front. */
  readonly faults: StoreApi<Faults>;
  /** Run, run up to here, cancel. */
  readonly submit: Submitter;
  /** Open, save, import, templates. */
  readonly files: Files;
  /** Bring back the last session, then connect. */
  start(): Promise<void>;
  stop(): void;
}

export function createEditor(environment: Environment): Editor {
  const client = createClient(environment.fetch);
  const notices = createNotices(environment);
  const settings = createSettings(environment);
  const document = createDocuments(environment);
  const catalog = createCatalog(client, environment);
  const runs = createRuns(client, environment);
  const connection = createConnection(client, environment);
  const cameras = createCameras({ client, environment, document, catalog });
  const faults = createFaults(environment, document, catalog, runs, cameras);
  const submit = createSubmitter({ client, environment, document, catalog, cameras, runs, notices });
  const files = createFiles({ client, document, notices });
  const resync = async (): Promise<void> => {
    void catalog.refresh();
    void runs.refresh();
    const { documents } = document.store.getState().desk;
    await Promise.all(
      documents.flatMap(({ key, lastRun }) => (lastRun === null ? [] : [runs.recall(key, lastRun)])),
    );
  };
  document.store.subscribe(({ desk }, before) => {
    if (desk.documents === before.desk.documents) return;
    const present = new Set(desk.documents.map(({ key }) => key));
    const known = new Set(before.desk.documents.map(({ key }) => key));
    for (const key of known) if (!present.has(key)) runs.forget(key);
    for (const { key, lastRun } of desk.documents) {
      if (!known.has(key) && lastRun !== null) void runs.recall(key, lastRun);
    }
  });
  const start = async (): Promise<void> => {
    environment.onHide(document.flush);
    const restored = settings.store.getState().startup === "last" && (await document.restore());
    connection.start({
      resync,
      preview: runs.preview,
      event: (event) => {
        runs.handle(event);
        if (event.kind === "catalog_changed") void catalog.refreshNodes();
        if (event.kind === "folders_changed") void catalog.refreshFolders();
        if (event.kind === "worker_changed" && event.worker === "ready") void catalog.refresh();
      },
    });
    if (!restored && settings.store.getState().startup === "last") await files.openStartup();
  };
  return {
    client,
    document,
    catalog,
    cameras,
    runs,
    connection,
    settings,
    notices,
    faults,
    submit,
    files,
    start,
    stop: () => {
      cameras.stopAll();
      document.flush();
      connection.stop();
    },
  };
}
