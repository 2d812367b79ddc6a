import type { Studio } from "../ui/editor";
import type { IconName } from "../ui/icon";

export type Section = "Run" | "Edit" | "Nodes" | "View" | "Document" | "Help";

/** One thing a person can do. Menus, palette, shortcuts and tooltips all read this. */
export interface Command {
  readonly id: string;
  readonly label: string;
  readonly section: Section;
  readonly icon?: IconName;
  readonly keys: readonly string[];
  /** Works while a text is being edited too. */
  readonly everywhere?: boolean;
  /** The browser itself answers these keys, with an event of its own (copy, cut, paste). */
  readonly native?: boolean;
  readonly enabled?: (studio: Studio) => boolean;
  readonly run: (studio: Studio) => void;
}

export function isEnabled(command: Command, studio: Studio): boolean {
  return command.enabled?.(studio) ?? true;
}
