import type { JSX } from "react";
import { NumberWidget } from "./number";
import { amountOf, fit, shown, stepOf } from "./number-value";
import { type WidgetProps, useTab } from "./props";

/** A bounded number as a track to pull; without both limits, a plain number. */
export function SliderWidget(props: WidgetProps): JSX.Element {
  const { label, input, value, onChange, problem } = props;
  const tab = useTab();
  const { low = null, high = null } = input.widget ?? {};
  if (low === null || high === null) return <NumberWidget {...props} />;
  const amount = Number(amountOf(value));
  const share = high > low ? Math.max(0, Math.min(1, (amount - low) / (high - low))) : 0;
  return (
    <label className="field slider" data-bad={problem !== undefined || undefined}>
      <span className="number-bar" style={{ inlineSize: `${share * 100}%` }} />
      <span className="field-label">{input.title ?? label}</span>
      <output className="field-value">{shown(amount, input)}</output>
      <input
        type="range"
        aria-label={label}
        min={low}
        max={high}
        step={stepOf(input)}
        value={amount}
        tabIndex={tab}
        onChange={(event) => onChange(fit(event.currentTarget.valueAsNumber, input), "drag")}
        onPointerUp={(event) => onChange(fit(event.currentTarget.valueAsNumber, input), "done")}
        onKeyUp={(event) => onChange(fit(event.currentTarget.valueAsNumber, input), "done")}
      />
    </label>
  );
}
