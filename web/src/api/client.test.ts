import { expect, test } from "vitest";

import { Refused, Unreachable, createClient } from "./client";

const answering = (answer: Response, seen: string[] = []) =>
  createClient((url, init) => {
    seen.push(`${init?.method ?? "GET"} ${url}`);
    return Promise.resolve(answer);
  });

test("names with odd letters stay one part of the path", () => {
  expect(createClient(fetch).fileUrl("output", "sub/a b?.png", 256)).toBe(
    "/v1/files/output/sub/a%20b%3F.png?size=256",
  );
});

test("a page of runs is asked for with its limits", async () => {
  const seen: string[] = [];
  await answering(new Response('{"items": [], "next": null}'), seen).runs({
    limit: 5,
    state: "queued",
    before: null,
  });
  expect(seen).toEqual(["GET /v1/runs?limit=5&state=queued"]);
});

test("a refusal carries its problems", async () => {
  const fault = { code: "missing_input", message: "m", hint: "", node: "a", input: "b", warning: false };
  const refused = answering(new Response(JSON.stringify({ problems: [fault] }), { status: 422 })).submit({
    workflow: {},
  });
  await expect(refused).rejects.toMatchObject({ status: 422, problems: [fault] });
});

test("a refusal that is no JSON is a refusal all the same", async () => {
  const refused = answering(new Response("<html>", { status: 502, statusText: "Bad Gateway" })).system();
  await expect(refused).rejects.toBeInstanceOf(Refused);
});

test("a server that starts says when to ask again", async () => {
  const answer = new Response('{"problems": []}', { status: 503, headers: { "Retry-After": "2" } });
  await expect(answering(answer).catalog()).rejects.toMatchObject({ retryAfterSeconds: 2 });
});

test("no answer at all is told apart from a refusal", async () => {
  const client = createClient(() => Promise.reject(new TypeError("down")));
  await expect(client.system()).rejects.toBeInstanceOf(Unreachable);
});

test("a catalog that has not changed is not read again", async () => {
  expect(await answering(new Response(null, { status: 304 })).catalog('"1"')).toBeNull();
});

test("a revision loses the quotes of its header", async () => {
  const stored = answering(new Response("{}", { headers: { ETag: 'W/"7"' } })).workflow("a");
  expect(await stored).toEqual({ text: "{}", revision: "7" });
});
