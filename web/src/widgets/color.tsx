import { useState, type JSX } from "react";
import { type WidgetProps, useTab } from "./props";

/** A colour, as `#rrggbb`. */
export function ColorWidget({ label, input, value, onChange, problem }: WidgetProps): JSX.Element {
  const tab = useTab();
  const [draft, setDraft] = useState<string | null>(null);
  const color = typeof value === "string" ? value : "#000000";
  const take = (): void => {
    const typed = draft?.trim().replace(/^#?/, "#").toLowerCase();
    setDraft(null);
    if (typed !== undefined && /^#[0-9a-f]{6}$/.test(typed) && typed !== color) onChange(typed, "done");
  };
  return (
    <div className="field color" data-bad={problem !== undefined || undefined}>
      <span className="field-label">{input.title ?? label}</span>
      <input
        className="field-value"
        type="text"
        aria-label={label}
        spellCheck={false}
        tabIndex={tab}
        value={draft ?? color}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key === "Enter") take();
        }}
      />
      <input
        className="color-swatch"
        type="color"
        aria-label={`Pick ${label}`}
        tabIndex={tab}
        value={/^#[0-9a-f]{6}$/i.test(color) ? color : "#000000"}
        onChange={(event) => onChange(event.currentTarget.value, "drag")}
        onBlur={(event) => onChange(event.currentTarget.value, "done")}
      />
    </div>
  );
}
