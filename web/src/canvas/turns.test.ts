import { expect, test } from "vitest";

import { createTurns } from "./turns";

function clock() {
  const frames: (() => void)[] = [];
  let time = 0;
  const done: number[] = [];
  const turns = createTurns(
    (run) => frames.push(run),
    () => time,
  );
  const ask = (number: number, ms: number) =>
    turns.ask(() => {
      time += ms;
      done.push(number);
    });
  return { ask, done, frame: () => frames.shift()?.(), waits: () => frames.length };
}

test("what takes little is done in one frame", () => {
  const { ask, done, frame, waits } = clock();
  for (const number of [1, 2, 3]) ask(number, 1);
  expect(waits()).toBe(1);
  frame();
  expect([done, waits()]).toEqual([[1, 2, 3], 0]);
});

test("what takes long is spread over frames, in the order of asking", () => {
  const { ask, done, frame } = clock();
  for (const number of [1, 2, 3]) ask(number, 4);
  frame();
  expect(done).toEqual([1, 2]);
  frame();
  expect(done).toEqual([1, 2, 3]);
});

test("who asks no more gets no turn", () => {
  const { ask, done, frame } = clock();
  const stop = ask(1, 1);
  stop();
  frame();
  expect(done).toEqual([]);
});
