import { createContext, useContext } from "react";
import type { Json } from "../model/json";
import type { Input } from "../model/spec";
import type { Port, SeedMode } from "../model/workflow";

/** Moves of a gesture are "drag", its end is "done": a whole gesture is one undo step. */
export type Moment = "drag" | "done";

/** What every widget is given: its input, its value and a way to say a new one. */
export interface WidgetProps {
  /** The name of the input, which is also what the control is called. */
  readonly label: string;
  readonly input: Input;
  /** Where it stands: a camera belongs to its node. */
  readonly port: Port;
  readonly value: Json;
  readonly onChange: (value: Json, moment: Moment) => void;
  readonly problem?: string | undefined;
  readonly seed?: SeedChoice | undefined;
}

/** How a seed moves on between runs. */
export interface SeedChoice {
  readonly mode: SeedMode;
  readonly onMode: (mode: SeedMode) => void;
  readonly onRoll: () => void;
}

/** What file pickers need of the program: names in folders, pictures (or the videos) of them, and a place to put new ones. */
export interface FileHost {
  readonly namesIn: (folder: string) => readonly string[];
  readonly pictureOf: (folder: string, name: string) => string | null;
  readonly upload: (file: File) => Promise<string | null>;
}

const NO_FILES: FileHost = { namesIn: () => [], pictureOf: () => null, upload: () => Promise.resolve(null) };

export const FileHostContext = createContext<FileHost>(NO_FILES);
export const TabContext = createContext<0 | -1>(0);

export function useFiles(): FileHost {
  return useContext(FileHostContext);
}

/** On the canvas a control is reached through its node (-1), elsewhere by Tab (0). */
export function useTab(): 0 | -1 {
  return useContext(TabContext);
}
