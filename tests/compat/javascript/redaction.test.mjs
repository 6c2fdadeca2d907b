// Redacted values are hidden from readers and delivered unchanged.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "@upstash/qstash";
import { Destination } from "./destination.mjs";
import { eventually } from "./eventually.mjs";

const client = new Client();
let destination;

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());

const published = async (redact) => {
  const headers = { Authorization: "Bearer secret", "X-Api-Key": "secret key", "X-Open": "open" };
  const { messageId } = await client.publish({ url: destination.url("/"), body: "secret body", headers, redact });
  const request = await destination.next();
  assert.deepEqual([request.body, request.headers.authorization], ["secret body", "Bearer secret"]);
  const logs = await eventually(async () => {
    const { logs } = await client.logs({ messageIds: [messageId] });
    return logs.some(({ state }) => state === "DELIVERED") && logs;
  });
  return { message: await client.messages.get(messageId), logs };
};

test("the body is redacted", async () => {
  const { message, logs } = await published({ body: true });
  assert.match(message.body, /^REDACTED:[0-9a-f]{64}$/);
  for (const { body, header } of logs) {
    assert.match(Buffer.from(body, "base64").toString(), /^REDACTED:/);
    assert.deepEqual(header["X-Open"], ["open"]);
  }
});

test("all headers are redacted", async () => {
  const { message, logs } = await published({ header: true });
  for (const { header } of [message, ...logs]) {
    for (const values of Object.values(header)) assert.match(String(values), /REDACTED:/);
  }
  assert.equal(message.body, "secret body");
});

test("selected headers are redacted", async () => {
  const { message, logs } = await published({ header: ["Authorization", "x-api-key"] });
  for (const { header } of [message, ...logs]) {
    assert.match(header.Authorization[0], /^REDACTED:/);
    assert.match(header["X-Api-Key"][0], /^REDACTED:/);
    assert.deepEqual(header["X-Open"], ["open"]);
  }
});

test("body and selected headers are redacted", async () => {
  const { message, logs } = await published({ body: true, header: ["Authorization", "X-Api-Key"] });
  const shown = JSON.stringify([message, logs]);
  assert.ok(!shown.includes("secret") && !shown.includes(Buffer.from("secret body").toString("base64")), shown);
});

test("a dead letter is redacted and retried with the original", async () => {
  const { messageId } = await client.publish({
    url: "https://mock.httpstatus.io/404",
    body: "secret body",
    retries: 0,
    failureCallback: destination.url("/failed"),
    redact: { body: true },
  });
  await destination.next();
  const { messages } = await client.dlq.listMessages({ filter: { messageId } });
  assert.match(messages[0].body, /^REDACTED:/);
  const { responses } = await client.dlq.retry(messages[0].dlqId);
  const { body } = await client.messages.get(responses[0].messageId);
  assert.equal(body, messages[0].body, "the same original has the same hash");
});
