/** How components reach the editor: one context, and hooks that subscribe to one selected value. */

import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { CamerasState } from "../state/cameras";
import type { CatalogState } from "../state/catalog";
import type { ConnectionState } from "../state/connection";
import type { DocumentState } from "../state/document";
import type { RunsState } from "../state/runs";
import type { SettingsState } from "../state/settings";
import type { Editor } from "../state/store";
import type { Shell, ShellState } from "./shell";

export interface Studio extends Editor {
  readonly shell: Shell;
}

export const StudioContext = createContext<Studio | null>(null);

export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (studio === null) throw new Error("This component stands outside of the editor.");
  return studio;
}

export function useDocument<T>(select: (state: DocumentState) => T): T {
  return useStore(useStudio().document.store, select);
}

export function useCameras<T>(select: (state: CamerasState) => T): T {
  return useStore(useStudio().cameras.store, select);
}

export function useCatalog<T>(select: (state: CatalogState) => T): T {
  return useStore(useStudio().catalog.store, select);
}

export function useRuns<T>(select: (state: RunsState) => T): T {
  return useStore(useStudio().runs.store, select);
}

export function useConnection<T>(select: (state: ConnectionState) => T): T {
  return useStore(useStudio().connection.store, select);
}

export function useSettings<T>(select: (state: SettingsState) => T): T {
  return useStore(useStudio().settings.store, select);
}

export function useShell<T>(select: (state: ShellState) => T): T {
  return useStore(useStudio().shell.store, select);
}
