import fc from "fast-check";
import { expect, test } from "vitest";
import { inputOf, widgetOf } from "../model/spec";
import { fit, read, shown, stepped } from "./number-value";

const steps = inputOf("steps", "INT", { widget: widgetOf("number", { low: 1, high: 10_000 }) });
const cfg = inputOf("cfg", "FLOAT", {
  widget: widgetOf("number", { low: 0, high: 100, step: 0.1, round_to: 0.01 }),
});
const seed = inputOf("seed", "INT", { widget: widgetOf("seed", { low: 0, high: 2 ** 64 }) });

test("a typed sum is worked out and kept within the limits", () => {
  expect([read("5*4", steps), read("0", steps), read("2**40", steps), read("many", steps)]).toEqual([
    20,
    1,
    10_000,
    null,
  ]);
});

test("the largest seed survives typing", () => {
  expect(read("18446744073709551615", seed)).toBe(18446744073709551615n);
  expect(read("99999999999999999999", seed)).toBe(18446744073709551615n);
});

test("a step on a fraction leaves no dust", () => {
  expect(stepped(0.2, 1, cfg)).toBe(0.3);
});

test("a fraction shows as many places as its step, or more where it has more", () => {
  expect([shown(8, cfg), shown(7.25, cfg)]).toEqual(["8.0", "7.25"]);
});

test("fitting twice is fitting once", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (value) => fit(fit(value, cfg), cfg) === fit(value, cfg),
    ),
  );
});
