import { useRef, useState, type JSX, type KeyboardEvent, type PointerEvent } from "react";
import { Icon } from "../ui/icon";
import { type Amount, amountOf, fit, read, shown, stepOf, stepped } from "./number-value";
import { type WidgetProps, useTab } from "./props";

const THRESHOLD_PX = 4;
const PX_PER_STEP = 6;

/** A number: drag sideways (Shift fine, Ctrl coarse), type a number or a sum, or step with the arrow keys. */
export function NumberWidget({ label, input, value, onChange, problem }: WidgetProps): JSX.Element {
  const amount = amountOf(value);
  const [draft, setDraft] = useState<string | null>(null);
  const scrub = useScrub(amount, input, onChange);
  const field = useRef<HTMLInputElement>(null);
  const take = (): void => {
    const typed = draft === null ? null : read(draft, input);
    setDraft(null);
    if (typed !== null && typed !== value) onChange(typed, "done");
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    const steps = arrowSteps(event);
    if (steps !== 0) {
      event.preventDefault();
      const from = draft === null ? amount : (read(draft, input) ?? amount);
      setDraft(null);
      onChange(stepped(from, steps, input), "done");
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) take();
    else if (event.key === "Escape" && draft !== null) {
      event.stopPropagation();
      setDraft(null);
    }
  };
  const low = input.widget?.low ?? undefined;
  const high = input.widget?.high ?? undefined;
  return (
    <div
      className="field number"
      data-bad={problem !== undefined || undefined}
      data-scrub={scrub.active || undefined}
    >
      <Bar amount={amount} low={low} high={high} on={input.widget?.slider === true} />
      <span className="field-label">{input.title ?? label}</span>
      <input
        ref={field}
        className="field-value"
        type="text"
        inputMode="decimal"
        role="spinbutton"
        aria-label={label}
        aria-valuenow={Number(amount)}
        aria-valuetext={String(amount)}
        aria-valuemin={low}
        aria-valuemax={high}
        aria-invalid={problem !== undefined || undefined}
        autoComplete="off"
        tabIndex={useTab()}
        value={draft ?? shown(amount, input)}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={onKeyDown}
        {...scrub.handlers(field)}
      />
      <Steps input={input} amount={amount} onChange={onChange} />
    </div>
  );
}

function Steps({
  input,
  amount,
  onChange,
}: Pick<WidgetProps, "input" | "onChange"> & { amount: Amount }): JSX.Element {
  return (
    <span className="number-steps" aria-hidden="true">
      <button type="button" tabIndex={-1} onClick={() => onChange(stepped(amount, -1, input), "done")}>
        <Icon name="minus" size={12} />
      </button>
      <button type="button" tabIndex={-1} onClick={() => onChange(stepped(amount, 1, input), "done")}>
        <Icon name="add" size={12} />
      </button>
    </span>
  );
}

function Bar(props: {
  amount: Amount;
  low: number | undefined;
  high: number | undefined;
  on: boolean;
}): JSX.Element | null {
  const { amount, low, high, on } = props;
  if (!on || low === undefined || high === undefined || high <= low) return null;
  const share = Math.max(0, Math.min(1, (Number(amount) - low) / (high - low)));
  return <span className="number-bar" style={{ inlineSize: `${share * 100}%` }} />;
}

function arrowSteps(event: KeyboardEvent): number {
  const scale = event.shiftKey ? 10 : 1;
  switch (event.key) {
    case "ArrowUp":
      return scale;
    case "ArrowDown":
      return -scale;
    case "PageUp":
      return 10;
    case "PageDown":
      return -10;
    default:
      return 0;
  }
}

/** Dragging a number sideways. Until 4 px it is a click, which goes into the field. */
function useScrub(amount: Amount, input: WidgetProps["input"], onChange: WidgetProps["onChange"]) {
  const [active, setActive] = useState(false);
  const from = useRef<{ x: number; at: number; start: Amount; now: Amount } | null>(null);
  const move = (event: PointerEvent<HTMLInputElement>): void => {
    const origin = from.current;
    if (origin === null) return;
    if (!active && Math.abs(event.clientX - origin.x) < THRESHOLD_PX) return;
    if (!active) setActive(true);
    const speed = event.shiftKey ? 0.1 : event.ctrlKey ? 10 : 1;
    origin.at += ((event.clientX - origin.x) / PX_PER_STEP) * speed;
    origin.x = event.clientX;
    const next = scrubbed(origin.start, origin.at, input, event.shiftKey);
    if (next === origin.now) return;
    origin.now = next;
    onChange(next, "drag");
  };
  const handlers = (field: { readonly current: HTMLInputElement | null }) => ({
    onPointerDown: (event: PointerEvent<HTMLInputElement>): void => {
      if (event.button !== 0 || document.activeElement === field.current) return;
      event.preventDefault();
      event.currentTarget.setPointerCapture(event.pointerId);
      from.current = { x: event.clientX, at: 0, start: amount, now: amount };
    },
    onPointerMove: move,
    onPointerUp: (): void => {
      const origin = from.current;
      from.current = null;
      if (origin === null) return;
      if (active) onChange(origin.now, "done");
      else field.current?.select();
      setActive(false);
    },
    onPointerCancel: (): void => {
      from.current = null;
      setActive(false);
    },
  });
  return { active, handlers };
}

function scrubbed(start: Amount, steps: number, input: WidgetProps["input"], fine: boolean): Amount {
  if (typeof start === "bigint") return stepped(start, Math.trunc(steps), input);
  return fine ? fit(start + steps * stepOf(input), input) : stepped(start, Math.trunc(steps), input);
}
