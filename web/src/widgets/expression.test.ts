import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "./expression";

test.each([
  ["512*2", 1024],
  ["(1920 - 64) / 8", 232],
  ["2**3**2", 512],
  ["-2^2", -4],
  ["50%", 0.5],
  ["1,5", 1.5],
  [".5e1", 5],
])("%s is %d", (text, value) => {
  expect(evaluate(text)).toBe(value);
});

test.each(["", "abc", "1 2", "(1", "1/0", "*3", "alert(1)"])("%j is no number", (text) => {
  expect(evaluate(text)).toBeNull();
});

test("a whole number reads back as itself", () => {
  fc.assert(fc.property(fc.integer(), (value) => evaluate(String(value)) === value));
});
