import { expect, test } from "vitest";
import { weigh } from "./weight";

const caretIn = (text: string, word: string) => {
  const start = text.indexOf(word) + 1;
  return { text, start, end: start };
};

test("the word at the caret gets a weight", () => {
  expect(weigh(caretIn("a red bird", "red"), 1).text).toBe("a (red:1.05) bird");
});

test("a weight grows by one step", () => {
  expect(weigh(caretIn("a (red:1.05) bird", "red"), 1).text).toBe("a (red:1.1) bird");
});

test("the brackets go when the weight is 1 again", () => {
  const marked = { text: "a red bird", start: 2, end: 5 };
  expect(weigh(weigh(marked, 1), -1)).toEqual(marked);
});

test("several words are weighed together, without the blanks around them", () => {
  expect(weigh({ text: "a red bird sings", start: 1, end: 11 }, -1).text).toBe("a (red bird:0.95) sings");
});

test("nothing under the caret changes nothing", () => {
  const marked = { text: "a , b", start: 2, end: 2 };
  expect(weigh(marked, 1)).toBe(marked);
});
