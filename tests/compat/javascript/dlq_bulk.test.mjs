// Dead letters are filtered, deleted and retried.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Client } from "@upstash/qstash";
import { eventually } from "./eventually.mjs";

const MISSING = "https://mock.httpstatus.io/404";
const client = new Client();

const list = async (filter) => (await client.dlq.listMessages({ filter })).messages;
const letterOf = (messageId) => eventually(async () => (await list({ messageId }))[0]);
const dead = async (options) => letterOf((await client.publish({ url: MISSING, retries: 0, ...options })).messageId);
const ids = (letters) => letters.map(({ dlqId }) => dlqId).sort();

/** Waits until the retried messages have failed again, so that none is in flight. */
const settled = ({ responses }) => Promise.all(responses.map(({ messageId }) => letterOf(messageId)));

beforeEach(() => client.dlq.delete({ all: true }));

test("a dead letter is deleted once", async () => {
  const { dlqId } = await dead();
  assert.deepEqual(await client.dlq.delete(dlqId), { deleted: 1 });
  await assert.rejects(client.dlq.delete(dlqId), { name: "QstashError", status: 404 });
  assert.deepEqual(await list({}), []);
});

test("dead letters are deleted by ID in every call form", async () => {
  const letters = await Promise.all(Array.from({ length: 5 }, () => dead()));
  const [a, b, c, d, e] = letters.map(({ dlqId }) => dlqId);
  assert.equal((await client.dlq.deleteMany({ dlqIds: [a, b, c] })).deleted, 3);
  assert.equal((await client.dlq.delete([d])).deleted, 1);
  const last = await client.dlq.delete({ dlqIds: [e, a, "1-1"] });
  assert.deepEqual([last.deleted, last.cursor], [1, undefined]);
  assert.equal((await client.dlq.delete({ dlqIds: [a, b] })).deleted, 0);
});

test("the list is filtered by IDs", async () => {
  const [one, two] = [await dead(), await dead(), await dead()];
  const { messages, cursor } = await client.dlq.listMessages({ dlqIds: [one.dlqId, two.dlqId] });
  assert.deepEqual(ids(messages), ids([one, two]));
  assert.equal(cursor, undefined);
  assert.deepEqual(ids((await client.dlq.listMessages({ dlqIds: one.dlqId })).messages), [one.dlqId]);
});

test("filters match any of several labels and URLs", async () => {
  const a = await dead({ label: "a" });
  const b = await dead({ label: ["b", "c"] });
  const other = await dead({ label: "d", url: "https://mock.httpstatus.io/500?x=1" });
  assert.deepEqual(ids(await list({ label: ["a", "c"] })), ids([a, b]));
  assert.deepEqual(ids(await list({ label: "b" })), [b.dlqId]);
  assert.deepEqual(ids(await list({ url: "https://mock.httpstatus.io/500?x=1" })), [other.dlqId]);
  assert.deepEqual(ids(await list({ url: [MISSING, "https://mock.httpstatus.io/500?x=1"] })), ids([a, b, other]));
  assert.deepEqual(ids(await list({ responseStatus: 500 })), [other.dlqId]);
  assert.deepEqual(ids(await list({ responseStatus: [404, 500], label: "d" })), [other.dlqId]);
});

test("flow control is returned, and its key is a filter", async () => {
  const flowControl = { key: "dead", parallelism: 5, rate: 10, period: "1d" };
  const letter = await dead({ flowControl, retryDelay: "7000 * retried" });
  await dead();
  const [found, ...others] = await list({ flowControlKey: "dead" });
  assert.equal(others.length, 0);
  const { dlqId, flowControlKey, parallelism, rate, ratePerSecond, period, retryDelayExpression } = found;
  assert.deepEqual(
    { dlqId, flowControlKey, parallelism, rate, ratePerSecond, period, retryDelayExpression },
    {
      dlqId: letter.dlqId,
      flowControlKey: "dead",
      parallelism: 5,
      rate: 10,
      ratePerSecond: 10,
      period: 86_400,
      retryDelayExpression: "7000 * retried",
    },
  );
});

test("group and queue are filters", async () => {
  await client.urlGroups.addEndpoints({ name: "dead", endpoints: [{ name: "e", url: MISSING }] });
  const [{ messageId }] = await client.publish({ urlGroup: "dead", retries: 0 });
  const ofGroup = await letterOf(messageId);
  const enqueued = await client.queue({ queueName: "dead" }).enqueue({ url: MISSING, retries: 0 });
  const ofQueue = await letterOf(enqueued.messageId);
  const [found, ...others] = await list({ urlGroup: "dead" });
  assert.equal(others.length, 0);
  assert.deepEqual([found.dlqId, found.urlGroup, found.endpointName], [ofGroup.dlqId, "dead", "e"]);
  assert.deepEqual(ids(await list({ queueName: "dead" })), [ofQueue.dlqId]);
  await client.urlGroups.delete("dead");
  await client.queue({ queueName: "dead" }).delete();
});

test("the failure time is a filter", async () => {
  const before = Date.now() - 60_000;
  const { dlqId } = await dead();
  assert.deepEqual(ids(await list({ fromDate: before, toDate: new Date(before + 120_000) })), [dlqId]);
  assert.deepEqual(await list({ toDate: before }), []);
});

test("a retried dead letter gets a new ID and is deleted", async () => {
  const { dlqId, messageId } = await dead({ body: "again", label: "kept", headers: { "X-Mine": "v" } });
  const { responses, cursor } = await client.dlq.retry(dlqId);
  assert.equal(responses.length, 1);
  assert.equal(cursor, undefined);
  assert.notEqual(responses[0].messageId, messageId);
  const again = await client.messages.get(responses[0].messageId);
  assert.deepEqual([again.body, again.label, again.header["X-Mine"]], ["again", "kept", ["v"]]);
  await settled({ responses });
  assert.ok(!ids(await list({})).includes(dlqId));
});

test("retried dead letters can be deleted without an error", async () => {
  const letters = [await dead(), await dead(), await dead()];
  const dlqIds = ids(letters);
  const retried = await client.dlq.retry({ dlqIds });
  assert.equal(retried.responses.length, 3);
  assert.equal((await client.dlq.delete({ dlqIds })).deleted, 0);
  await settled(retried);
});

test("the count bounds deletes and retries", async () => {
  await Promise.all(Array.from({ length: 3 }, () => dead({ label: "counted" })));
  const deleted = await client.dlq.delete({ filter: { label: "counted" }, count: 1 });
  assert.deepEqual([deleted.deleted, typeof deleted.cursor], [1, "string"]);
  const retried = await client.dlq.retry({ all: true, count: 1 });
  assert.deepEqual([retried.responses.length, typeof retried.cursor], [1, "string"]);
  await settled(retried);
  assert.equal((await client.dlq.delete({ all: true, count: 1 })).deleted, 1);
  const last = await client.dlq.retry({ filter: { label: "counted" }, count: 1 });
  assert.equal(last.responses.length, 1);
  await settled(last);
});

test("the cursor is absent when nothing is left", async () => {
  await Promise.all(Array.from({ length: 3 }, () => dead()));
  let [total, calls, cursor] = [0, 0, undefined];
  do {
    const page = await client.dlq.delete({ all: true, count: 2, cursor });
    [total, calls, cursor] = [total + page.deleted, calls + 1, page.cursor];
  } while (cursor !== undefined && calls < 10);
  assert.equal(total, 3);
});

test("filters without matches return no error", async () => {
  await dead();
  const time = Date.now() - 3_600_000;
  for (const filter of [
    { messageId: "msg_26hZCxZCuWyyTWPmSVBrNC1RADwpgWxPcak2rQD51EMjFMuzcW7qYXpPiDyw8Gd" },
    { url: "https://example.com/none" },
    { urlGroup: "none" },
    { scheduleId: "scd_none" },
    { queueName: "none" },
    { label: ["none", "neither"] },
    { callerIp: "192.0.2.1" },
    { flowControlKey: "none" },
    { responseStatus: 999 },
    { fromDate: time - 1, toDate: time },
  ]) {
    const retried = await client.dlq.retry({ filter });
    assert.deepEqual([retried.responses, retried.cursor], [[], undefined], JSON.stringify(filter));
    assert.equal((await client.dlq.delete({ filter })).deleted, 0, JSON.stringify(filter));
    assert.deepEqual(await list(filter), [], JSON.stringify(filter));
  }
});

test("an unknown filter deletes nothing", async () => {
  const { dlqId } = await dead();
  for (const filter of [{ labeel: "typo" }, { host: "mock.httpstatus.io" }]) {
    await assert.rejects(client.dlq.delete({ filter }), { name: "QstashError", status: 400 });
    await assert.rejects(client.dlq.retry({ filter }), { name: "QstashError", status: 400 });
  }
  assert.deepEqual(ids(await list({})), [dlqId]);
});
