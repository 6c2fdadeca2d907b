// Several messages in one request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@upstash/qstash";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();

test("results are in message order, and message headers override shared ones", async () => {
  const withHeaders = new Client({ headers: { "X-Both": "client", "X-Client": "c" } });
  const results = await withHeaders.batch([
    { url: `${FINE}?first`, body: "one", delay: "1h", headers: { "X-Both": "message", "Content-Type": "text/plain" } },
    { url: `${FINE}?second`, body: "two", delay: "1h", retries: 1, method: "PUT" },
  ]);
  assert.equal(results.length, 2);
  const [first, second] = await Promise.all(results.map(({ messageId }) => client.messages.get(messageId)));
  assert.deepEqual([first.url, first.body, first.method], [`${FINE}?first`, "one", "POST"]);
  assert.deepEqual(first.header, { "Content-Type": ["text/plain"], "X-Both": ["message"], "X-Client": ["c"] });
  assert.deepEqual([second.url, second.body, second.method, second.maxRetries], [`${FINE}?second`, "two", "PUT", 1]);
  assert.equal(second.header["X-Both"][0], "client");
});

test("JSON bodies have the content type application/json", async () => {
  const withHeaders = new Client({ headers: { "X-Both": "client" } });
  const results = await withHeaders.batchJSON([
    { url: FINE, body: { a: ["ö", null] }, delay: "1h", headers: { "X-Both": "message" } },
    { url: FINE, body: "text", delay: "1h" },
  ]);
  const [first, second] = await Promise.all(results.map(({ messageId }) => client.messages.get(messageId)));
  assert.deepEqual(JSON.parse(first.body), { a: ["ö", null] });
  assert.deepEqual(first.header, { "Content-Type": ["application/json"], "X-Both": ["message"] });
  assert.equal(second.body, '"text"');
});

test("a batch of one message returns an array", async () => {
  const results = await client.batch([{ url: FINE, delay: "1h" }]);
  assert.ok(Array.isArray(results));
  assert.equal((await client.messages.get(results[0].messageId)).url, FINE);
});

test("group results are nested, and queued messages use their queue", async () => {
  const endpoints = [
    { name: "a", url: `${FINE}?a` },
    { name: "b", url: `${FINE}?b` },
  ];
  await client.urlGroups.addEndpoints({ name: "batched", endpoints });
  await client.queue({ queueName: "batched" }).upsert({ parallelism: 1, paused: true });

  const [toGroup, toQueue, groupToQueue] = await client.batchJSON([
    { urlGroup: "batched", body: 1, delay: "1h" },
    { url: FINE, queueName: "batched", body: 2 },
    { urlGroup: "batched", queueName: "batched", body: 3 },
  ]);
  assert.deepEqual(
    toGroup.map(({ url }) => url),
    [`${FINE}?a`, `${FINE}?b`],
  );
  assert.equal((await client.messages.get(toGroup[1].messageId)).urlGroup, "batched");
  assert.equal((await client.messages.get(toQueue.messageId)).queueName, "batched");
  assert.equal(groupToQueue.length, 2);
  const { queueName, urlGroup, endpointName } = await client.messages.get(groupToQueue[0].messageId);
  assert.deepEqual([queueName, urlGroup, endpointName], ["batched", "batched", "a"]);

  await client.urlGroups.delete("batched");
  await client.queue({ queueName: "batched" }).delete();
});

test("a duplicate is reported at its position", async () => {
  const message = { url: FINE, delay: "1h", deduplicationId: "in-a-batch" };
  const [first, second] = await client.batch([message, message]);
  assert.equal(second.messageId, first.messageId);
  assert.deepEqual([first.deduplicated ?? false, second.deduplicated], [false, true]);
});

test("a rejected message does not affect the others", async () => {
  const results = await client.batch([
    { url: FINE, delay: "1h", body: "good" },
    { urlGroup: "no-such-group", body: "bad" },
    { url: FINE, delay: "1h", deduplicationId: "with:colon" },
    { url: FINE, delay: "1h", body: "good too" },
  ]);
  assert.deepEqual(
    results.map(({ error }) => typeof error),
    ["undefined", "string", "string", "undefined"],
  );
  assert.match(results[1].error, /no-such-group/);
  assert.equal((await client.messages.get(results[3].messageId)).body, "good too");
});
