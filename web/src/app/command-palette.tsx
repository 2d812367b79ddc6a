import type { JSX } from "react";
import { useStudio } from "../ui/editor";
import { Dialog } from "../ui/dialog";
import { PickList } from "../ui/pick-list";
import { type Command, isEnabled } from "./command";
import { COMMANDS } from "./commands";

/** Every command by name. */
export function CommandPalette(): JSX.Element {
  const studio = useStudio();
  const close = (): void => studio.shell.close();
  const find = (query: string) => {
    const wanted = query.trim().toLowerCase();
    const words = wanted.split(/\s+/);
    const fits = COMMANDS.filter(
      (command) =>
        command.id !== "commands" &&
        isEnabled(command, studio) &&
        words.every((word) => `${command.label} ${command.section}`.toLowerCase().includes(word)),
    );
    const byName = (command: Command): number => (command.label.toLowerCase().includes(wanted) ? 0 : 1);
    return fits.toSorted((one, other) => byName(one) - byName(other));
  };
  return (
    <Dialog title="Commands" bare className="palette-dialog" onClose={close}>
      <PickList
        label="Search commands"
        placeholder="What do you want to do?"
        find={find}
        keyOf={(command) => command.id}
        draw={(command) => (
          <>
            <span className="palette-title">{command.label}</span>
            <small className="palette-section">{command.section}</small>
            {command.keys[0] !== undefined && <kbd>{command.keys[0]}</kbd>}
          </>
        )}
        onPick={(command) => {
          close();
          window.setTimeout(() => command.run(studio), 0);
        }}
        onClose={close}
        empty="No command matches."
      />
    </Dialog>
  );
}
