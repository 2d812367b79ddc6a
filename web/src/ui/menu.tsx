import { useEffect, useRef, type JSX, type KeyboardEvent } from "react";
import { Icon, type IconName } from "./icon";
import { Popover, type Point } from "./popover";

export interface MenuItem {
  label: string;
  run: () => void;
  keys?: string;
  icon?: IconName;
  enabled?: boolean;
  danger?: boolean;
  checked?: boolean;
  /** Of several that exclude one another. */
  exclusive?: boolean;
}

export type MenuEntry = MenuItem | "line";

interface MenuProps {
  label: string;
  at: Point;
  entries: readonly MenuEntry[];
  onClose: () => void;
}

/** A menu at a point: arrows move, letters jump, Escape leaves and gives the focus back. */
export function Menu({ label, at, entries, onClose }: MenuProps): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    ref.current?.querySelector<HTMLElement>("[role^=menuitem]:not(:disabled)")?.focus();
  }, []);
  const leave = (): void => {
    if (before.current instanceof HTMLElement && before.current.isConnected)
      before.current.focus({ preventScroll: true });
    onClose();
  };
  return (
    <Popover at={at} onClose={onClose} className="menu-box">
      <div
        ref={ref}
        className="menu"
        role="menu"
        aria-label={label}
        onKeyDown={(event) => moveInMenu(event, ref.current, leave)}
      >
        {entries.map((entry, index) =>
          entry === "line" ? (
            <hr key={`line-${index}`} />
          ) : (
            <Entry
              key={entry.label}
              entry={entry}
              onPick={() => {
                leave();
                entry.run();
              }}
            />
          ),
        )}
      </div>
    </Popover>
  );
}

function Entry({ entry, onPick }: { entry: MenuItem; onPick: () => void }): JSX.Element {
  const checkable = entry.checked !== undefined;
  return (
    <button
      type="button"
      role={checkable ? (entry.exclusive === true ? "menuitemradio" : "menuitemcheckbox") : "menuitem"}
      {...(checkable ? { "aria-checked": entry.checked } : {})}
      className="menu-item"
      data-danger={entry.danger === true ? "" : undefined}
      disabled={entry.enabled === false}
      tabIndex={-1}
      onPointerEnter={(event) => event.currentTarget.focus()}
      onClick={onPick}
    >
      <span className="menu-icon">
        {entry.checked ? (
          <Icon name="check" size={14} />
        ) : entry.icon ? (
          <Icon name={entry.icon} size={14} />
        ) : null}
      </span>
      <span className="menu-label">{entry.label}</span>
      {entry.keys ? <span className="menu-keys">{entry.keys}</span> : null}
    </button>
  );
}

function moveInMenu(event: KeyboardEvent, menu: HTMLElement | null, leave: () => void): void {
  if (menu === null) return;
  const items = [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)")];
  const at = items.findIndex((item) => item === document.activeElement);
  const go = (index: number): void => {
    event.preventDefault();
    items.at(index % Math.max(1, items.length))?.focus();
  };
  if (event.key === "ArrowDown") go(at + 1);
  else if (event.key === "ArrowUp") go(at <= 0 ? -1 : at - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(-1);
  else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    leave();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
    const after = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    after.find((item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  }
}
