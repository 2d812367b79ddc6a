import { useEffect, useId, useRef, useState, type JSX, type KeyboardEvent, type ReactNode } from "react";

interface PickListProps<Item> {
  label: string;
  placeholder?: string;
  /** What is found for a query, best first. */
  find: (query: string) => readonly Item[];
  keyOf: (item: Item) => string;
  draw: (item: Item) => ReactNode;
  onPick: (item: Item, query: string) => void;
  onClose: () => void;
  empty?: string;
  initial?: string;
  /** The item to start on, for example the value now chosen. */
  start?: (item: Item) => boolean;
}

const SHOWN = 200;

/** A search field over a list of options. Typing narrows, arrows move, Enter takes, Escape leaves. */
export function PickList<Item>(props: PickListProps<Item>): JSX.Element {
  const {
    label,
    placeholder,
    find,
    keyOf,
    draw,
    onPick,
    onClose,
    empty = "Nothing matches.",
    initial = "",
    start,
  } = props;
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const [query, setQuery] = useState(initial);
  const items = find(query).slice(0, SHOWN);
  const [at, setAt] = useState(() => (start === undefined ? 0 : Math.max(0, items.findIndex(start))));
  const active = Math.min(at, items.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active, query]);
  const pick = (index: number): void => {
    const item = items[index];
    if (item !== undefined) onPick(item, query);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const last = items.length - 1;
      const wrapped =
        Math.abs(step) === 1 && active + step > last
          ? 0
          : Math.abs(step) === 1 && active + step < 0
            ? last
            : active + step;
      setAt(Math.max(0, Math.min(last, wrapped)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      pick(active);
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    }
  };
  return (
    <div className="pick" onKeyDown={onKeyDown}>
      <input
        className="pick-query"
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={items.length > 0 ? `${id}-${active}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder ?? label}
        value={query}
        autoFocus
        onChange={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
      />
      <ul className="pick-list" role="listbox" id={`${id}-list`} aria-label={label} ref={list}>
        {items.map((item, index) => (
          <li
            key={keyOf(item)}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            className="pick-item"
            onPointerMove={() => setAt(index)}
            onClick={() => pick(index)}
          >
            {draw(item)}
          </li>
        ))}
      </ul>
      {items.length === 0 && <p className="pick-empty">{empty}</p>}
    </div>
  );
}
