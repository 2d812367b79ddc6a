import type { JSX } from "react";
import { type WidgetProps, useTab } from "./props";

/** Yes or no. */
export function ToggleWidget({ label, input, value, onChange, problem }: WidgetProps): JSX.Element {
  const on = value === true;
  const word = on ? input.widget?.label_on : input.widget?.label_off;
  return (
    <button
      type="button"
      role="switch"
      aria-checked={on}
      aria-label={label}
      className="field toggle"
      data-bad={problem !== undefined || undefined}
      tabIndex={useTab()}
      onClick={() => onChange(!on, "done")}
    >
      <span className="field-label">{input.title ?? label}</span>
      <span className="toggle-word">{word === "" || word === undefined ? (on ? "on" : "off") : word}</span>
      <span className="toggle-track" aria-hidden="true" />
    </button>
  );
}
