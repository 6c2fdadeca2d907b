// URL groups: one publish creates a message for each endpoint.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Client } from "@upstash/qstash";
import { request } from "./api.mjs";
import { Destination } from "./destination.mjs";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();
let destination;

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());
afterEach(() => client.urlGroups.delete("group"));

const add = (...endpoints) => client.urlGroups.addEndpoints({ name: "group", endpoints });
const read = async () => (await client.urlGroups.get("group")).endpoints;

test("endpoints are added, read back exactly, and listed", async () => {
  const [one, two] = [
    { name: "one", url: "https://example.com/1" },
    { name: "two", url: "https://example.com/2" },
  ];
  const start = Date.now();
  await add(one);
  assert.deepEqual(await read(), [one]);
  await add(two);
  assert.deepEqual(await read(), [one, two]);

  const [group, ...others] = await client.urlGroups.list();
  assert.equal(others.length, 0);
  assert.deepEqual([group.name, group.endpoints], ["group", [one, two]]);
  assert.ok(group.createdAt >= start - 5_000 && group.updatedAt >= group.createdAt, JSON.stringify(group));
});

test("an endpoint without a name has no name field", async () => {
  await add({ url: "https://example.com/" }, { url: "https://example.com" });
  assert.deepEqual(await read(), [{ url: "https://example.com/" }, { url: "https://example.com" }]);
});

test("an existing endpoint is changed", async () => {
  await add({ name: "one", url: "https://example.com/1" });
  await add({ name: "renamed", url: "https://example.com/1" });
  assert.deepEqual(await read(), [{ name: "renamed", url: "https://example.com/1" }]);
});

test("removing the last endpoint deletes the group", async () => {
  await add({ name: "one", url: "https://example.com/1" }, { name: "two", url: "https://example.com/2" });
  await client.urlGroups.removeEndpoints({ name: "group", endpoints: [{ url: "https://example.com/1" }] });
  assert.deepEqual(await read(), [{ name: "two", url: "https://example.com/2" }]);
  await client.urlGroups.removeEndpoints({ name: "group", endpoints: [{ name: "two" }] });
  await assert.rejects(client.urlGroups.get("group"), { name: "QstashError", status: 404 });
});

test("deleting an unknown group succeeds", async () => {
  await client.urlGroups.delete("never-was-there");
});

test("publish to a group returns an array in endpoint order", async () => {
  await add({ name: "one", url: `${FINE}?1` }, { name: "two", url: `${FINE}?2` });
  const results = await client.publishJSON({ urlGroup: "group", body: { a: 1 }, delay: 3, headers: { "X-Mine": "v" } });
  assert.deepEqual(
    results.map(({ url }) => url),
    [`${FINE}?1`, `${FINE}?2`],
  );
  for (const [index, { messageId }] of results.entries()) {
    const message = await client.messages.get(messageId);
    assert.deepEqual([message.urlGroup, message.topicName], ["group", "group"]);
    assert.equal(message.endpointName, ["one", "two"][index]);
    assert.deepEqual(message.header["X-Mine"], ["v"]);
  }
  assert.deepEqual(await client.messages.cancel(results.map(({ messageId }) => messageId)), { cancelled: 2 });
});

test("a message shows the name of its group", async () => {
  await add({ url: destination.url("/a") }, { url: destination.url("/b") });
  await client.publish({ urlGroup: "group", body: "to all" });
  const requests = [await destination.next(), await destination.next()];
  assert.deepEqual(requests.map(({ path }) => path).sort(), ["/a", "/b"]);
  for (const { headers, body } of requests)
    assert.deepEqual([headers["upstash-topic-name"], body], ["group", "to all"]);
});

test("publish headers override the group's defaults", async () => {
  const defaults = (method, name, headers) =>
    request(method, `/v2/topics/${name}`, { body: JSON.stringify({ headers }) });
  assert.equal((await defaults("PATCH", "group", { "Upstash-Retries": "1" })).status, 404);
  await add({ url: destination.url("/") });
  const set = await defaults("PATCH", "group", {
    "Upstash-Retries": "1",
    "Upstash-Label": ["of-the-group"],
    "Upstash-Header-Forward": ["true"],
  });
  assert.equal(set.status, 200);

  const [silent] = await client.publish({ urlGroup: "group" });
  const [explicit] = await client.publish({ urlGroup: "group", retries: 5, label: "own" });
  const told = async ({ messageId }) => {
    const { maxRetries, label } = await client.messages.get(messageId);
    return [maxRetries, label];
  };
  assert.deepEqual(await told(silent), [1, "of-the-group"]);
  assert.deepEqual(await told(explicit), [5, "own"]);
  await Promise.all([destination.next(), destination.next()]);

  // As the sender of a webhook does, without any QStash header.
  assert.equal((await request("POST", "/v2/publish/group", { headers: { "X-Hook": "raw" }, body: "x" })).status, 200);
  const { headers } = await destination.next();
  assert.deepEqual([headers["x-hook"], headers.authorization], ["raw", undefined]);
});

test("duplicates of a group are reported per endpoint", async () => {
  await add({ url: `${FINE}?1` });
  const publish = () => client.publish({ urlGroup: "group", delay: "1h", deduplicationId: "for-each" });
  const [first] = await publish();
  await add({ url: `${FINE}?2` });
  const [again, added] = await publish();
  assert.deepEqual([again.messageId, again.deduplicated], [first.messageId, true]);
  assert.ok(!added.deduplicated);
});

test("publish to an unknown group is rejected", async () => {
  await assert.rejects(client.publish({ urlGroup: "no_such-group.1", body: "x" }), (error) => {
    assert.equal(JSON.parse(error.message).error, "topic no_such-group.1 not found");
    return error.status === 404;
  });
});
