// The event log of messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@upstash/qstash";
import { eventually } from "./eventually.mjs";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();

const ended = (messageId, state) =>
  eventually(async () => {
    const { logs } = await client.logs({ messageIds: [messageId] });
    return logs.some((log) => log.state === state) && logs;
  });
const delivered = async (options) => {
  const { messageId } = await client.publish({ url: FINE, ...options });
  await ended(messageId, "DELIVERED");
  return messageId;
};
const messagesOf = async (filter) => new Set((await client.logs({ filter })).logs.map(({ messageId }) => messageId));

test("a delivery logs three events, newest first", async () => {
  const { messageId } = await client.publish({
    url: FINE,
    body: "wörld",
    headers: { "X-Mine": "v" },
    label: ["a", "b"],
  });
  const logs = await ended(messageId, "DELIVERED");
  assert.deepEqual(
    logs.map(({ state }) => state),
    ["DELIVERED", "ACTIVE", "CREATED"],
  );
  assert.ok(logs[0].time >= logs[2].time && Number.isInteger(logs[0].time));
  for (const log of logs) {
    assert.deepEqual([log.url, log.label, log.labels], [FINE, "a", ["a", "b"]]);
    assert.equal(Buffer.from(log.body, "base64").toString(), "wörld");
    assert.deepEqual(log.header["X-Mine"], ["v"]);
  }
});

test("each failed attempt is logged with its response", async () => {
  const { messageId } = await client.publish({ url: "https://mock.httpstatus.io/404", retries: 1, retryDelay: "10" });
  const logs = await ended(messageId, "FAILED");
  const states = logs.map(({ state }) => state).reverse();
  assert.deepEqual(states, ["CREATED", "ACTIVE", "ERROR", "RETRY", "ACTIVE", "ERROR", "FAILED"]);
  const error = logs.find(({ state }) => state === "ERROR");
  assert.equal(error.responseStatus, 404);
  assert.equal(Buffer.from(error.responseBody, "base64").toString(), "404 Not Found");
  assert.deepEqual(error.responseHeader, error.responseHeaders);
  const retry = logs.find(({ state }) => state === "RETRY");
  assert.ok(retry.nextDeliveryTime >= retry.time);
});

test("the filter matches any of several labels", async () => {
  const one = await delivered({ label: "one" });
  const two = await delivered({ label: ["two", "three"] });
  await delivered({ label: "four" });
  assert.deepEqual(await messagesOf({ label: "one" }), new Set([one]));
  assert.deepEqual(await messagesOf({ label: "three" }), new Set([two]));
  assert.deepEqual(await messagesOf({ label: ["one", "two"] }), new Set([one, two]));
  assert.deepEqual(await messagesOf({ label: "none" }), new Set());
});

test("the filter matches any of several URLs", async () => {
  const [a, b] = [`${FINE}?a=1`, `${FINE}?b=2,3`];
  const [one, two] = [await delivered({ url: a }), await delivered({ url: b })];
  assert.deepEqual(await messagesOf({ url: a }), new Set([one]));
  assert.deepEqual(await messagesOf({ url: b }), new Set([two]));
  assert.deepEqual(await messagesOf({ url: [a, b] }), new Set([one, two]));
});

test("state and time are filters", async () => {
  const id = await delivered({ label: "timed" });
  const filter = { label: "timed" };
  const { logs } = await client.logs({ filter: { ...filter, state: "CREATED" } });
  assert.deepEqual(
    logs.map(({ state, messageId }) => [state, messageId]),
    [["CREATED", id]],
  );
  const [from, to] = [Date.now() - 60_000, Date.now() + 60_000];
  assert.deepEqual(await messagesOf({ ...filter, fromDate: from, toDate: new Date(to) }), new Set([id]));
  assert.deepEqual(await messagesOf({ ...filter, toDate: from }), new Set());
});

test("message IDs are a filter", async () => {
  const [one, two] = [await delivered(), await delivered()];
  await delivered();
  const { logs } = await client.logs({ messageIds: [one, two] });
  assert.deepEqual(new Set(logs.map(({ messageId }) => messageId)), new Set([one, two]));
  assert.deepEqual(await messagesOf({ messageId: one }), new Set([one]));
});

test("a page has a cursor, and the last page has none", async () => {
  const [one, two] = [await delivered({ label: "paged" }), await delivered({ label: "paged" })];
  const filter = { label: "paged" };
  assert.equal((await client.logs({ count: 1 })).logs.length, 1);
  assert.equal((await client.logs({ filter })).cursor, undefined);
  const rows = [];
  let cursor;
  do {
    const page = await client.logs({ filter, count: 4, cursor });
    rows.push(...page.logs.map(({ messageId, state }) => `${messageId} ${state}`));
    cursor = page.cursor;
  } while (cursor !== undefined);
  const of = (id) => ["CREATED", "ACTIVE", "DELIVERED"].map((state) => `${id} ${state}`);
  assert.deepEqual(rows.sort(), [...of(one), ...of(two)].sort());
});

test("the deprecated method returns the same", async () => {
  await delivered();
  const { events, logs } = await client.events();
  assert.ok(Array.isArray(events) && events.length > 0);
  assert.deepEqual(events, logs);
});
