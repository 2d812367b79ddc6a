/** Shortcuts as texts ("Ctrl+Shift+Z"), compared with key presses. On a Mac, Ctrl stands for Command too. */

export interface Press {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const NAMES: Readonly<Record<string, string>> = {
  " ": "Space",
  Escape: "Esc",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Backspace: "Backspace",
  Delete: "Delete",
};

/** Keys whose sign already needs Shift on many keyboards: Shift is not part of their name. */
const SIGNS = new Set(["?", "+", "=", "-", ".", "[", "]", "`", ","]);

/** How a press is written: modifiers in one order, then the key. */
export function pressed(press: Press): string {
  const letter = press.altKey && /^Key[A-Z]$/.test(press.code) ? press.code.slice(3) : press.key;
  const name = NAMES[letter] ?? (letter.length === 1 ? letter.toUpperCase() : letter);
  const modifiers = [
    press.ctrlKey || press.metaKey ? "Ctrl" : "",
    press.altKey ? "Alt" : "",
    press.shiftKey && !SIGNS.has(letter) ? "Shift" : "",
  ];
  return [...modifiers.filter((each) => each !== ""), name].join("+");
}

export interface Bound {
  readonly keys: readonly string[];
  /** Works while a text is being edited too. */
  readonly everywhere?: boolean;
}

/** The command a press stands for. In a text field only those that work everywhere count. */
export function commandFor<C extends Bound>(
  commands: readonly C[],
  press: Press,
  inText: boolean,
): C | undefined {
  const wanted = pressed(press);
  return commands.find(
    (command) => command.keys.includes(wanted) && (!inText || command.everywhere === true),
  );
}

/** Whether typing goes into the element. */
export function takesText(element: Element | null): boolean {
  if (element instanceof HTMLTextAreaElement) return true;
  if (element instanceof HTMLInputElement)
    return !["range", "checkbox", "color", "button"].includes(element.type);
  return element instanceof HTMLElement && element.isContentEditable;
}
