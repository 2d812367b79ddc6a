import type { JSX } from "react";
import { useRuns, useShell, useStudio } from "../ui/editor";
import { Icon, type IconName } from "../ui/icon";
import type { PanelName } from "../ui/shell";

const PANELS: readonly { id: PanelName; label: string; icon: IconName; key: string }[] = [
  { id: "nodes", label: "Nodes", icon: "node", key: "N" },
  { id: "models", label: "Models", icon: "model", key: "M" },
  { id: "workflows", label: "Workflows", icon: "workflow", key: "W" },
  { id: "assets", label: "Assets", icon: "asset", key: "A" },
  { id: "queue", label: "Queue", icon: "queue", key: "Q" },
];

/** The five panels, one open at a time. */
export function Rail(): JSX.Element {
  const { shell } = useStudio();
  const open = useShell((state) => state.panel);
  const waiting = useRuns((state) => state.queued + state.running);
  return (
    <nav className="rail" aria-label="Panels" data-region>
      {PANELS.map(({ id, label, icon, key }) => (
        <button
          key={id}
          type="button"
          className="rail-button"
          aria-label={id === "queue" && waiting > 0 ? `${label}, ${waiting} runs` : label}
          aria-expanded={open === id}
          data-tip={label}
          data-keys={key}
          onClick={() => shell.panel(id)}
        >
          <Icon name={icon} size={20} />
          <span>{label}</span>
          {id === "queue" && waiting > 0 && <b>{waiting}</b>}
        </button>
      ))}
    </nav>
  );
}
