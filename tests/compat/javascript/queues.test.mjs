// Queues are created, changed, paused, and deliver in order.
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

test("a queue is created, shown and deleted", async () => {
  const queue = client.queue({ queueName: "made" });
  await queue.upsert({ parallelism: 2 });
  const { createdAt, updatedAt, ...rest } = await queue.get();
  assert.deepEqual(rest, { name: "made", parallelism: 2, lag: 0, paused: false });
  assert.ok(Number.isInteger(createdAt) && updatedAt >= createdAt);
  await queue.upsert({ parallelism: 3 });
  assert.equal((await queue.get()).parallelism, 3);
  assert.equal((await queue.get()).createdAt, createdAt);
  await queue.delete();
  assert.deepEqual(await queue.list(), []);
  await assert.rejects(queue.get(), { name: "QstashError", status: 404 });
});

test("queues are listed, and deleting an unknown queue succeeds", async () => {
  const [one, two] = [client.queue({ queueName: "one" }), client.queue({ queueName: "two" })];
  await one.upsert({});
  await two.upsert({});
  assert.deepEqual((await one.list()).map(({ name }) => name).sort(), ["one", "two"]);
  await one.delete();
  await one.delete();
  assert.deepEqual(
    (await two.list()).map(({ name }) => name),
    ["two"],
  );
  await two.delete();
});

test("a queue is paused and resumed by calls and upserts", async () => {
  const queue = client.queue({ queueName: "paused" });
  const paused = async () => (await queue.get()).paused;
  await queue.upsert({ parallelism: 1 });
  assert.equal(await paused(), false);
  await queue.pause();
  assert.equal(await paused(), true);
  await queue.resume();
  assert.equal(await paused(), false);
  await queue.upsert({ paused: true });
  assert.equal(await paused(), true);
  await queue.upsert({ paused: false });
  assert.equal(await paused(), false);
  await queue.delete();
});

test("enqueue creates the queue, and the message shows it", async () => {
  const queue = client.queue({ queueName: "made-by-enqueue" });
  const { messageId } = await queue.enqueueJSON({ url: FINE, body: { a: 1 }, headers: { "X-Mine": "v" } });
  const message = await client.messages.get(messageId);
  assert.equal(message.queueName, "made-by-enqueue");
  assert.deepEqual(message.header, { "Content-Type": ["application/json"], "X-Mine": ["v"] });
  assert.equal((await queue.get()).parallelism, 1);
  await queue.delete();
});

test("a paused queue delivers its messages in order on resume", async () => {
  const queue = client.queue({ queueName: "in-order" });
  await queue.upsert({ parallelism: 1, paused: true });
  for (const body of ["1", "2", "3", "4"]) await queue.enqueue({ url: destination.url("/"), body });
  assert.equal((await queue.get()).lag, 4);
  await queue.resume();
  const bodies = [];
  while (bodies.length < 4) bodies.push((await destination.next()).body);
  assert.deepEqual(bodies, ["1", "2", "3", "4"]);
  await eventually(async () => (await queue.get()).lag === 0);
  await queue.delete();
});

test("the next message waits for the retries of the previous", async () => {
  const queue = client.queue({ queueName: "head-of-line" });
  await queue.upsert({ parallelism: 1 });
  destination.status = 500;
  await queue.enqueue({ url: destination.url("/first"), retries: 1, retryDelay: "10" });
  await queue.enqueue({ url: destination.url("/second"), retries: 0 });
  const paths = [await destination.next(), await destination.next(), await destination.next()].map(({ path }) => path);
  destination.status = 200;
  assert.deepEqual(paths, ["/first", "/first", "/second"]);
  await queue.delete();
});

test("a group is enqueued as one message per endpoint", async () => {
  const endpoints = [{ url: `${FINE}?1` }, { url: `${FINE}?2` }];
  await client.urlGroups.addEndpoints({ name: "enqueued", endpoints });
  const queue = client.queue({ queueName: "groups" });
  const results = await queue.enqueue({ urlGroup: "enqueued", body: "x" });
  assert.deepEqual(
    results.map(({ url }) => url),
    endpoints.map(({ url }) => url),
  );
  assert.equal((await client.messages.get(results[1].messageId)).queueName, "groups");
  await client.urlGroups.delete("enqueued");
  await queue.delete();
});

test("a name with invalid characters is rejected", async () => {
  await assert.rejects(client.queue({ queueName: "two words" }).upsert({}), { status: 400 });
  await assert.rejects(client.queue({ queueName: "no-room" }).upsert({ parallelism: 0 }), { status: 400 });
});

test("no queue is left", async () => {
  assert.equal((await client.queue().list()).length, 0);
});
