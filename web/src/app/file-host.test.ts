import { expect, test } from "vitest";
import type { Studio } from "../ui/editor";
import { fileHost } from "./file-host";

const client = { fileUrl: (folder: string, name: string) => `${folder}/${name}` };
const host = fileHost({ client } as unknown as Studio, new Map([["loras", ["a"]]]));

test("a picture lies in the folder of its picker, or in the one its name says", () => {
  const pictures = [
    host.pictureOf("input", "a.png"),
    host.pictureOf("output", "b c.png"),
    host.pictureOf("output", "b.png [output]"),
    host.pictureOf("input", "sub/b.png [temp]"),
  ];
  expect(pictures).toEqual(["input/a.png", "output/b c.png", "output/b.png", "temp/sub/b.png"]);
});

test("models have no pictures", () => {
  expect([host.pictureOf("loras", "a"), host.pictureOf("loras", "a [output]")]).toEqual([null, null]);
  expect([host.namesIn("loras"), host.namesIn("none")]).toEqual([["a"], []]);
});
