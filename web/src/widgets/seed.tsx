import { useRef, useState, type JSX } from "react";
import type { SeedMode } from "../model/workflow";
import { Icon, type IconName } from "../ui/icon";
import { Menu } from "../ui/menu";
import type { Point } from "../ui/popover";
import { NumberWidget } from "./number";
import { type WidgetProps, useTab } from "./props";

const MODES: Readonly<Record<SeedMode, { icon: IconName; name: string; tip: string }>> = {
  fixed: { icon: "lock", name: "Keep", tip: "This seed stays: every run gives the same picture." },
  random: {
    icon: "dice",
    name: "Random",
    tip: "A new seed for each run. The one shown is the one that was used.",
  },
  increment: { icon: "add", name: "Count up", tip: "One more for each run." },
  decrement: { icon: "minus", name: "Count down", tip: "One less for each run." },
};
const ORDER: readonly SeedMode[] = ["random", "fixed", "increment", "decrement"];

/** A seed: the number that was used, how it moves on, and a roll of the dice. */
export function SeedWidget(props: WidgetProps): JSX.Element {
  const { label, seed } = props;
  const tab = useTab();
  const button = useRef<HTMLButtonElement>(null);
  const [at, setAt] = useState<Point | null>(null);
  if (seed === undefined) return <NumberWidget {...props} />;
  const mode = MODES[seed.mode];
  return (
    <div className="seed">
      <NumberWidget {...props} />
      <button
        ref={button}
        type="button"
        className="seed-button"
        data-on={seed.mode !== "fixed" || undefined}
        aria-haspopup="menu"
        aria-expanded={at !== null}
        aria-label={`${label} mode: ${mode.name}`}
        data-tip={mode.tip}
        tabIndex={tab}
        onClick={() => {
          const box = button.current?.getBoundingClientRect();
          if (box !== undefined) setAt({ x: box.left, y: box.bottom + 4 });
        }}
      >
        <Icon name={mode.icon} size={14} />
      </button>
      <button
        type="button"
        className="seed-button"
        aria-label={`Roll ${label}`}
        data-tip="Roll a new seed now"
        tabIndex={tab}
        onClick={seed.onRoll}
      >
        <Icon name="refresh" size={14} />
      </button>
      {at !== null && (
        <Menu
          label={`${label} mode`}
          at={at}
          onClose={() => setAt(null)}
          entries={ORDER.map((each) => ({
            label: MODES[each].name,
            icon: MODES[each].icon,
            checked: each === seed.mode,
            exclusive: true,
            run: () => seed.onMode(each),
          }))}
        />
      )}
    </div>
  );
}
