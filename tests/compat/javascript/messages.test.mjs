// Single messages: read, and cancelled in every state.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "@upstash/qstash";
import { Destination } from "./destination.mjs";
import { eventually } from "./eventually.mjs";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();
let destination;

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());

const states = async (messageId) => {
  const { logs } = await client.logs({ messageIds: [messageId] });
  return logs.map(({ state }) => state).reverse();
};

test("a pending message is cancelled once", async () => {
  const { messageId } = await client.publish({ url: FINE, delay: "10d", method: "GET", retryDelay: "1000 * retried" });
  const message = await client.messages.get(messageId);
  assert.deepEqual([message.method, message.retryDelayExpression], ["GET", "1000 * retried"]);
  assert.deepEqual(await client.messages.cancel(messageId), { cancelled: 1 });
  await eventually(async () => (await states(messageId)).includes("CANCELED"));
  assert.ok((await states(messageId)).includes("CANCEL_REQUESTED"));
});

test("a message between attempts is cancelled", async () => {
  destination.status = 500;
  const { messageId } = await client.publish({ url: destination.url("/"), retries: 3, retryDelay: "3600000" });
  await destination.next();
  destination.status = 200;
  await eventually(async () => (await states(messageId)).includes("RETRY"));
  assert.deepEqual(await client.messages.cancel(messageId), { cancelled: 1 });
  await eventually(async () => (await states(messageId)).includes("CANCELED"));
});

test("a cancelled message in flight is not delivered again", async () => {
  const { messageId } = await client.publish({ url: `${FINE}?sleep=30000`, retries: 3 });
  await eventually(async () => (await states(messageId)).includes("ACTIVE"));
  assert.deepEqual(await client.messages.cancel(messageId), { cancelled: 1 });
  await eventually(async () => (await states(messageId)).includes("CANCELED"));
  assert.ok(!(await states(messageId)).includes("DELIVERED"));
  assert.equal((await client.dlq.listMessages({ filter: { messageId } })).messages.length, 0);
});

test("the deprecated cancel method accepts an empty response", async () => {
  const { messageId } = await client.publish({ url: FINE, delay: "1h" });
  await client.messages.delete(messageId);
  await eventually(async () => (await states(messageId)).includes("CANCELED"));
});

test("an unknown ID is not found", async () => {
  for (const ask of [client.messages.get("msg_unknown"), client.messages.cancel("msg_unknown")]) {
    await assert.rejects(ask, { name: "QstashError", status: 404 });
  }
});
