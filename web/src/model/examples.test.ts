import { expect, test } from "vitest";

import { setValue } from "./edit";
import { examplesIn, tried } from "./examples";
import { TEXT_TO_IMAGE, portOf } from "./toys";
import { linkOf } from "./workflow";

const NAMED = {
  name: "prompt",
  targets: [portOf("prompt.text")],
  type: "STRING",
  title: null,
  extra: { examples: ["an apple", 5, "a fox"] },
};
const BEGUN = { ...setValue(TEXT_TO_IMAGE, "prompt", "text", "an apple"), inputs: [NAMED] };

test("a workflow offers its examples while one of them stands there", () => {
  expect(examplesIn(BEGUN)).toEqual({ named: NAMED, texts: ["an apple", "a fox"], present: "an apple" });
  expect(examplesIn(tried(BEGUN, NAMED, "a fox"))?.present).toBe("a fox");
});

test("words of one's own, or a wire that brings them, end the offer", () => {
  const wire = linkOf(portOf("save.text"), portOf("prompt.text"));
  expect(examplesIn(setValue(BEGUN, "prompt", "text", "a castle"))).toBeNull();
  expect(examplesIn({ ...BEGUN, links: [...BEGUN.links, wire] })).toBeNull();
});

test("an input without examples does not hide one that has some", () => {
  const plain = { ...NAMED, name: "seed", targets: [portOf("sampler.seed")], extra: {} };
  const changed = { ...NAMED, name: "other", targets: [portOf("save.filename_prefix")] };
  expect(examplesIn({ ...BEGUN, inputs: [plain, changed, NAMED] })?.named).toBe(NAMED);
});
