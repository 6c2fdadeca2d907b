// Dead letters are listed with the response that ended them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@upstash/qstash";
import { eventually } from "./eventually.mjs";

const MISSING = "https://mock.httpstatus.io/404";
const client = new Client();

const letterOf = (messageId) =>
  eventually(async () => (await client.dlq.listMessages({ filter: { messageId } })).messages[0]);
const dead = async (options) => letterOf((await client.publish({ url: MISSING, retries: 0, ...options })).messageId);

test("a failed message is listed by ID with its response", async () => {
  const letter = await dead({
    body: "b",
    headers: { "X-Mine": "v" },
    label: ["one", "two"],
    retryDelay: "1000 * retried",
  });
  assert.match(letter.dlqId, /^\d+-\d+$/);
  assert.deepEqual([letter.responseStatus, letter.responseBody], [404, "404 Not Found"]);
  assert.ok(letter.responseHeader["Content-Length"][0]);
  assert.deepEqual([letter.url, letter.method, letter.body, letter.header["X-Mine"]], [MISSING, "POST", "b", ["v"]]);
  assert.deepEqual([letter.maxRetries, letter.retryDelayExpression], [0, "1000 * retried"]);
  assert.deepEqual([letter.label, letter.labels], ["one", ["one", "two"]]);
});

test("a destination that rejects POST fails the message", async () => {
  assert.equal((await dead({ url: "https://example.com/" })).responseStatus, 405);
});

test("a page has a cursor, and the last page has none", async () => {
  const expected = [(await dead()).dlqId, (await dead()).dlqId, (await dead()).dlqId];
  const seen = [];
  let cursor;
  do {
    const page = await client.dlq.listMessages({ count: 2, cursor });
    assert.ok(page.messages.length <= 2 && page.cursor !== "");
    seen.push(...page.messages.map(({ dlqId }) => dlqId));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.equal(new Set(seen).size, seen.length);
  for (const dlqId of expected) assert.ok(seen.includes(dlqId));
});

test("an unknown filter is rejected", async () => {
  await assert.rejects(client.dlq.listMessages({ filter: { labeel: "typo" } }), { name: "QstashError", status: 400 });
  await assert.rejects(client.dlq.listMessages({ filter: { host: "example.com" } }), {
    name: "QstashError",
    status: 400,
  });
});
