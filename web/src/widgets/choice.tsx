import { useRef, useState, type JSX, type ReactNode } from "react";
import { Icon } from "../ui/icon";
import { PickList } from "../ui/pick-list";
import { Popover, type Point } from "../ui/popover";
import { middle } from "../ui/words";
import { type WidgetProps, useTab } from "./props";

type Option = string | number;

/** One of a closed set, with a search field over it. */
export function ChoiceWidget(props: WidgetProps): JSX.Element {
  const { input } = props;
  const own = input.options.map((option) => option.key);
  return <Picker {...props} options={own.length > 0 ? own : (input.widget?.options ?? [])} />;
}

interface PickerProps extends WidgetProps {
  readonly options: readonly Option[];
  readonly empty?: string;
  readonly children?: ReactNode;
  /** A value outside the set is marked as missing. */
  readonly strict?: boolean;
}

const BROWSE = 6;

/** A field that opens a list. Arrow keys change the value without opening it. */
export function Picker({
  label,
  input,
  value,
  onChange,
  problem,
  options,
  empty,
  children,
  strict = true,
}: PickerProps): JSX.Element {
  const button = useRef<HTMLButtonElement>(null);
  const [at, setAt] = useState<(Point & { lift: number; width: number }) | null>(null);
  const text = value === null || typeof value === "object" ? "" : String(value);
  const missing = strict && text !== "" && !options.some((option) => option === value);
  const open = (): void => {
    const box = button.current?.getBoundingClientRect();
    if (box !== undefined) setAt({ x: box.left, y: box.bottom + 4, lift: box.height + 8, width: box.width });
  };
  const step = (by: number): void => {
    const next = options[options.findIndex((option) => option === value) + by];
    if (next !== undefined) onChange(next, "done");
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        role="combobox"
        aria-haspopup="listbox"
        aria-expanded={at !== null}
        aria-label={label}
        aria-invalid={problem !== undefined || missing || undefined}
        className="field choice"
        data-bad={problem !== undefined || missing || undefined}
        tabIndex={useTab()}
        onClick={open}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          if (event.altKey) open();
          else step(event.key === "ArrowDown" ? 1 : -1);
        }}
      >
        <span className="field-label">{input.title ?? label}</span>
        <span className="field-value" data-tip={text.length > 24 ? text : undefined}>
          {text === "" ? (
            <span className="field-none">{options.length === 0 ? "none found" : "choose"}</span>
          ) : (
            middle(text, 30)
          )}
        </span>
        {children}
        <Icon name="chevron_down" size={12} />
      </button>
      {at !== null && (
        <Popover
          at={at}
          lift={at.lift}
          anchor={button.current}
          className="choice-box"
          onClose={() => setAt(null)}
        >
          <PickList
            label={`${label} options`}
            placeholder={options.length > BROWSE ? `Search ${options.length} options` : "Search"}
            find={(query) => found(options, query)}
            keyOf={String}
            draw={(option) => <span className="choice-option">{String(option)}</span>}
            start={(option) => option === value}
            {...(empty === undefined ? {} : { empty: options.length === 0 ? empty : "Nothing matches." })}
            onPick={(option) => {
              setAt(null);
              button.current?.focus();
              onChange(option, "done");
            }}
            onClose={() => {
              setAt(null);
              button.current?.focus();
            }}
          />
        </Popover>
      )}
    </>
  );
}

/** Every word of the query must occur; options that start with it come first. */
function found(options: readonly Option[], query: string): readonly Option[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return options;
  const fits = options.filter((option) => words.every((word) => String(option).toLowerCase().includes(word)));
  const starts = (option: Option): number =>
    String(option)
      .toLowerCase()
      .startsWith(words[0] ?? "")
      ? 0
      : 1;
  return fits.toSorted((one, other) => starts(one) - starts(other));
}
