import { expect, test } from "vitest";
import { commandFor, pressed } from "./keymap";

const none = { code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

test.each([
  [{ ...none, key: "z", ctrlKey: true, shiftKey: true }, "Ctrl+Shift+Z"],
  [{ ...none, key: "Enter", metaKey: true }, "Ctrl+Enter"],
  [{ ...none, key: "ç", code: "KeyC", altKey: true }, "Alt+C"],
  [{ ...none, key: "?", shiftKey: true }, "?"],
  [{ ...none, key: " " }, "Space"],
])("%o is written %s", (press, text) => {
  expect(pressed(press)).toBe(text);
});

test("in a text field only commands that work everywhere answer", () => {
  const commands = [
    { keys: ["Delete"], id: "remove" },
    { keys: ["Ctrl+Enter"], id: "run", everywhere: true },
  ];
  expect(commandFor(commands, { ...none, key: "Delete" }, true)).toBeUndefined();
  expect(commandFor(commands, { ...none, key: "Enter", ctrlKey: true }, true)?.id).toBe("run");
});
