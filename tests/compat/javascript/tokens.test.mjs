// Tokens with limited scopes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@upstash/qstash";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();
const reader = new Client({ token: process.env.READ_TOKEN });
const publisher = new Client({ token: process.env.PUBLISH_TOKEN });

/** Asserts that each of these calls is rejected with the scope of the token. */
async function refused(scope, calls) {
  for (const call of calls) {
    await assert.rejects(call, (error) => {
      assert.deepEqual([error.name, error.status], ["QstashError", 403], String(call));
      assert.match(JSON.parse(error.message).error, new RegExp(`^the scope of this token is ${scope}:`), String(call));
      return true;
    });
  }
}

test("a read token reads everything and changes nothing", async () => {
  const { messageId } = await client.publish({
    url: FINE,
    delay: "1h",
    label: "seen",
    flowControl: { key: "seen", rate: 5 },
  });
  const { scheduleId } = await client.schedules.create({ destination: FINE, cron: "0 0 1 1 *" });
  await client.queue({ queueName: "seen" }).upsert({ parallelism: 2 });
  await client.urlGroups.addEndpoints({ name: "seen", endpoints: [{ url: FINE }] });

  const look = async () => ({
    message: await reader.messages.get(messageId),
    states: (await reader.logs({ filter: { label: "seen" } })).logs.map(({ state }) => state),
    deadLetters: (await reader.dlq.listMessages()).messages,
    schedules: await reader.schedules.list(),
    queue: await reader.queue({ queueName: "seen" }).get(),
    group: await reader.urlGroups.get("seen"),
    flowControl: await reader.flowControl.get("seen"),
  });
  const seen = await look();
  assert.deepEqual([seen.message.messageId, seen.states, seen.deadLetters], [messageId, ["CREATED"], []]);
  assert.deepEqual(seen.schedules.map(({ scheduleId }) => scheduleId), [scheduleId]);
  assert.deepEqual([seen.queue.parallelism, seen.group.endpoints, seen.flowControl.rateMax], [2, [{ url: FINE }], 5]);

  await refused("read", [
    () => reader.publish({ url: FINE }),
    () => reader.batch([{ url: FINE }]),
    () => reader.queue({ queueName: "seen" }).enqueue({ url: FINE }),
    () => reader.queue({ queueName: "seen" }).upsert({ parallelism: 1 }),
    () => reader.queue({ queueName: "seen" }).pause(),
    () => reader.queue({ queueName: "seen" }).delete(),
    () => reader.messages.cancel(messageId),
    () => reader.messages.cancel({ all: true }),
    () => reader.dlq.delete({ all: true }),
    () => reader.dlq.retry({ all: true }),
    () => reader.schedules.create({ destination: FINE, cron: "* * * * *" }),
    () => reader.schedules.pause({ schedule: scheduleId }),
    () => reader.schedules.delete(scheduleId),
    () => reader.urlGroups.addEndpoints({ name: "seen", endpoints: [{ url: `${FINE}?2` }] }),
    () => reader.urlGroups.delete("seen"),
    () => reader.flowControl.pin("seen", { rate: 1 }),
    () => reader.flowControl.resetRate("seen"),
  ]);
  assert.deepEqual(await look(), seen);
});

test("a publish token can only publish", async () => {
  const { messageId } = await publisher.publish({ url: FINE, delay: "1h" });
  const sent = [
    messageId,
    (await publisher.publishJSON({ url: FINE, body: {} })).messageId,
    (await publisher.queue({ queueName: "filled" }).enqueue({ url: FINE })).messageId,
    ...(await publisher.batch([{ url: FINE }, { url: FINE, queueName: "filled" }])).map(({ messageId }) => messageId),
  ];
  assert.equal(new Set(sent).size, 5);
  for (const id of sent) assert.equal((await client.messages.get(id)).messageId, id);

  await refused("publish", [
    () => publisher.messages.get(messageId),
    () => publisher.messages.cancel(messageId),
    () => publisher.messages.cancel({ all: true }),
    () => publisher.logs(),
    () => publisher.dlq.listMessages(),
    () => publisher.dlq.delete({ all: true }),
    () => publisher.schedules.create({ destination: FINE, cron: "* * * * *" }),
    () => publisher.queue({ queueName: "filled" }).delete(),
    () => publisher.urlGroups.list(),
    () => publisher.flowControl.get("seen"),
  ]);
  assert.deepEqual(await client.messages.cancel(messageId), { cancelled: 1 });
});
