// The other filters of the event log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@upstash/qstash";
import { eventually } from "./eventually.mjs";

const client = new Client();
const published = async (options) => {
  const { messageId } = await client.publish({ url: "https://example.com/", delay: "10d", ...options });
  return messageId;
};
const messagesOf = async (filter) => new Set((await client.logs({ filter })).logs.map(({ messageId }) => messageId));

test("the filter matches any of several hosts and paths", async () => {
  const one = await published({ url: "https://example.com/path/1?x=1" });
  const two = await published({ url: "https://example.org/path/2" });
  assert.deepEqual(await messagesOf({ host: "example.com" }), new Set([one]));
  assert.deepEqual(await messagesOf({ host: ["example.com", "example.org"] }), new Set([one, two]));
  assert.deepEqual(await messagesOf({ path: "/path/2" }), new Set([two]));
  assert.deepEqual(await messagesOf({ path: ["/path/1", "/path/2"], host: "example.com" }), new Set([one]));
});

test("flow-control key and caller are filters", async () => {
  const id = await published({ flowControl: { key: "logged", rate: 1 } });
  assert.deepEqual(await messagesOf({ flowControlKey: ["logged", "other"] }), new Set([id]));
  assert.ok((await messagesOf({ callerIp: "127.0.0.1" })).has(id));
  assert.deepEqual(await messagesOf({ callerIp: "192.0.2.1" }), new Set());
});

test("queue and group are filters and shown in events", async () => {
  const { messageId } = await client.queue({ queueName: "logged" }).enqueue({ url: "https://mock.httpstatus.io/200" });
  assert.deepEqual(await messagesOf({ queueName: "logged" }), new Set([messageId]));
  await client.urlGroups.addEndpoints({ name: "logged", endpoints: [{ name: "e", url: "https://example.com/" }] });
  const [{ messageId: ofGroup }] = await client.publish({ urlGroup: "logged", delay: "1h" });
  const { logs } = await client.logs({ filter: { urlGroup: "logged" } });
  assert.deepEqual(
    logs.map((log) => [log.messageId, log.urlGroup, log.endpointName]),
    [[ofGroup, "logged", "e"]],
  );
});

test("messages in flight are found by state", async () => {
  const url = "https://mock.httpstatus.io/500";
  await client.publish({ url, retries: 3, retryDelay: "3600000", label: "in flight" });
  const states = await eventually(async () => {
    const { logs } = await client.logs({ filter: { state: "IN_PROGRESS", label: "in flight" } });
    const states = new Set(logs.map(({ state }) => state));
    return states.has("RETRY") && states;
  });
  assert.deepEqual(states, new Set(["ACTIVE", "ERROR", "RETRY"]));
});
