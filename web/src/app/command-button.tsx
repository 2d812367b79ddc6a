import type { JSX } from "react";
import { useStudio } from "../ui/editor";
import { Icon, type IconName } from "../ui/icon";
import { commandNamed } from "./commands";

interface CommandButtonProps {
  id: string;
  icon?: IconName;
  label?: string;
  pressed?: boolean;
  disabled?: boolean;
}

/** A command as a button with only a drawing; its name and shortcut are in the tooltip. */
export function CommandButton({
  id,
  icon,
  label,
  pressed,
  disabled = false,
}: CommandButtonProps): JSX.Element {
  const studio = useStudio();
  const command = commandNamed(id);
  const name = label ?? command.label;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={name}
      aria-pressed={pressed}
      data-tip={name}
      data-keys={command.keys[0]}
      disabled={disabled}
      onClick={() => command.run(studio)}
    >
      <Icon name={icon ?? command.icon ?? "more"} />
    </button>
  );
}
