import { useLayoutEffect, useRef, type JSX, type KeyboardEvent } from "react";
import { type WidgetProps, useTab } from "./props";
import { weigh } from "./weight";

/** A line of text, or several: a prompt, where Ctrl+↑ and Ctrl+↓ weigh the marked words. */
export function TextWidget(props: WidgetProps): JSX.Element {
  return props.input.widget?.multiline === true ? <Lines {...props} /> : <Line {...props} />;
}

function textOf(value: WidgetProps["value"]): string {
  return typeof value === "object" ? "" : String(value);
}

function Line({ label, input, value, onChange, problem }: WidgetProps): JSX.Element {
  return (
    <label className="field" data-bad={problem !== undefined || undefined}>
      <span className="field-label">{input.title ?? label}</span>
      <input
        className="field-value"
        type="text"
        aria-label={label}
        aria-invalid={problem !== undefined || undefined}
        placeholder={input.widget?.placeholder}
        spellCheck={false}
        tabIndex={useTab()}
        value={textOf(value)}
        onChange={(event) => onChange(event.currentTarget.value, "drag")}
        onBlur={(event) => onChange(event.currentTarget.value, "done")}
      />
    </label>
  );
}

function Lines({ label, input, value, onChange, problem }: WidgetProps): JSX.Element {
  const area = useRef<HTMLTextAreaElement>(null);
  const marked = useRef<readonly [number, number] | null>(null);
  const text = textOf(value);
  useLayoutEffect(() => {
    if (marked.current === null) return;
    area.current?.setSelectionRange(...marked.current);
    marked.current = null;
  }, [text]);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    const up = event.key === "ArrowUp";
    if (!(event.ctrlKey || event.metaKey) || !(up || event.key === "ArrowDown")) return;
    event.preventDefault();
    const { value: now, selectionStart: start, selectionEnd: end } = event.currentTarget;
    const next = weigh({ text: now, start, end }, up ? 1 : -1);
    marked.current = [next.start, next.end];
    onChange(next.text, "done");
  };
  return (
    <label className="field lines" data-bad={problem !== undefined || undefined}>
      <span className="field-label">{input.title ?? label}</span>
      <textarea
        ref={area}
        aria-label={label}
        aria-invalid={problem !== undefined || undefined}
        placeholder={input.widget?.placeholder}
        tabIndex={useTab()}
        value={text}
        onChange={(event) => onChange(event.currentTarget.value, "drag")}
        onBlur={(event) => onChange(event.currentTarget.value, "done")}
        onKeyDown={onKeyDown}
      />
    </label>
  );
}
