// Bulk cancellation.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Client } from "@upstash/qstash";

const client = new Client();
const published = async (options) => {
  const { messageId } = await client.publish({ url: "https://example.com/", delay: "10d", ...options });
  return messageId;
};

beforeEach(() => client.messages.cancel({ all: true }));

test("cancel by IDs, then all others", async () => {
  const ids = [await published(), await published(), await published()];
  assert.deepEqual(await client.messages.cancel([ids[0], ids[1]]), { cancelled: 2 });
  assert.deepEqual(await client.messages.cancel({ all: true }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ all: true }), { cancelled: 0 });
});

test("unknown and cancelled IDs do not count", async () => {
  const id = await published();
  assert.deepEqual(await client.messages.cancel({ messageIds: [id, id, "msg_unknown"] }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ messageIds: [id] }), { cancelled: 0 });
});

test("cancel by the deprecated methods", async () => {
  const ids = [await published(), await published(), await published()];
  assert.equal(await client.messages.deleteMany([ids[0]]), 1);
  assert.equal(await client.messages.deleteAll(), 2);
});

test("cancel by any of several labels", async () => {
  for (const label of ["a", "b", ["b", "c"], "d"]) await published({ label });
  assert.deepEqual(await client.messages.cancel({ filter: { label: ["a", "c"] } }), { cancelled: 2 });
  assert.deepEqual(await client.messages.cancel({ filter: { label: "b" } }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ all: true }), { cancelled: 1 });
});

test("cancel by any of several flow-control keys", async () => {
  for (const key of ["k1", "k1", "k2", "k3"]) await published({ flowControl: { key, parallelism: 1 } });
  assert.deepEqual(await client.messages.cancel({ filter: { flowControlKey: ["k1", "k2"] } }), { cancelled: 3 });
  assert.deepEqual(await client.messages.cancel({ filter: { flowControlKey: "k3" } }), { cancelled: 1 });
});

test("cancel by URL, host and path", async () => {
  const urls = [
    "https://example.com/a?x=1",
    "https://example.com/a?x=2",
    "https://example.org/a",
    "https://example.org/b,c",
  ];
  const publishAll = () => Promise.all(urls.map((url) => published({ url })));
  const cancel = async (filter) => (await client.messages.cancel({ filter })).cancelled;
  await publishAll();
  assert.equal(await cancel({ url: urls[0] }), 1);
  assert.equal(await cancel({ url: [urls[1], urls[2]] }), 2);
  assert.equal(await cancel({ url: urls[3] }), 1);
  await publishAll();
  assert.equal(await cancel({ host: "example.com" }), 2);
  assert.equal(await cancel({ host: ["example.com", "example.org"], path: ["/a", "/b"] }), 1);
  assert.equal(await cancel({ host: "example.org" }), 1);
});

test("several filters combine with AND", async () => {
  await published({ label: "x", url: "https://example.com/1" });
  await published({ label: "x", url: "https://example.org/1" });
  assert.deepEqual(await client.messages.cancel({ filter: { label: "x", host: "example.org" } }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ filter: { label: "y", host: "example.com" } }), { cancelled: 0 });
});

test("cancel by publish time", async () => {
  const start = Date.now() - 60_000;
  await published();
  const cancel = (filter) => client.messages.cancel({ filter });
  assert.deepEqual(await cancel({ toDate: start }), { cancelled: 0 });
  assert.deepEqual(await cancel({ fromDate: new Date(start), toDate: start + 120_000 }), { cancelled: 1 });
});

test("cancel by queue, group and caller", async () => {
  const queue = client.queue({ queueName: "cancelled" });
  await queue.upsert({ paused: true });
  await queue.enqueue({ url: "https://example.com/" });
  await client.urlGroups.addEndpoints({ name: "cancelled", endpoints: [{ url: "https://example.com/" }] });
  await client.publish({ urlGroup: "cancelled", delay: "1h" });
  await published();
  assert.deepEqual(await client.messages.cancel({ filter: { queueName: "cancelled" } }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ filter: { urlGroup: "cancelled" } }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ filter: { callerIp: "192.0.2.1" } }), { cancelled: 0 });
  assert.deepEqual(await client.messages.cancel({ filter: { callerIp: "127.0.0.1" } }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ filter: { scheduleId: "scd_none" } }), { cancelled: 0 });
});

test("cancel is bounded by the count", async () => {
  for (const label of ["counted", "counted", "counted"]) await published({ label });
  assert.deepEqual(await client.messages.cancel({ all: true, count: 1 }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ filter: { label: "counted" }, count: 1 }), { cancelled: 1 });
  assert.deepEqual(await client.messages.cancel({ all: true }), { cancelled: 1 });
});

test("an unknown filter cancels nothing", async () => {
  await published();
  await assert.rejects(client.messages.cancel({ filter: { labeel: "typo" } }), { name: "QstashError", status: 400 });
  assert.deepEqual(await client.messages.cancel({ all: true }), { cancelled: 1 });
});
