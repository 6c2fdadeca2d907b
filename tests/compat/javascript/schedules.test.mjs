// Schedules are created, read back exactly, replaced and paused.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Client } from "@upstash/qstash";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();

afterEach(async () => {
  for (const { scheduleId } of await client.schedules.list()) await client.schedules.delete(scheduleId);
});

test("a schedule is read back as created", async () => {
  const start = Date.now();
  const { scheduleId } = await client.schedules.create({
    destination: "https://example.com",
    cron: "*/10 * * * * ",
    body: JSON.stringify({ a: 1 }),
    headers: { "X-Mine": "v", "Content-Type": "application/json", "bypass-tunnel-reminder": "true" },
    method: "PUT",
    retries: 5,
    delay: "1m",
    timeout: 30,
    callback: "https://example.com/back?foo=bar",
    failureCallback: "https://example.com/failed",
    retryDelay: "1000 * (1 + retried)",
    label: ["first", "second"],
  });
  assert.ok(scheduleId);
  const schedule = await client.schedules.get(scheduleId);
  assert.deepEqual(schedule.header, {
    "Bypass-Tunnel-Reminder": ["true"],
    "Content-Type": ["application/json"],
    "X-Mine": ["v"],
  });
  const { cron, destination, method, body, retries, delay, callback, failureCallback } = schedule;
  assert.deepEqual(
    { cron, destination, method, body, retries, delay, callback, failureCallback },
    {
      cron: "*/10 * * * *",
      destination: "https://example.com",
      method: "PUT",
      body: '{"a":1}',
      retries: 5,
      delay: 60,
      callback: "https://example.com/back?foo=bar",
      failureCallback: "https://example.com/failed",
    },
  );
  assert.equal(schedule.scheduleId, scheduleId);
  assert.equal(schedule.retryDelayExpression, "1000 * (1 + retried)");
  assert.deepEqual([schedule.label, schedule.labels], ["first", ["first", "second"]]);
  assert.equal(schedule.isPaused, false);
  assert.ok(schedule.createdAt >= start - 5_000);
  assert.equal(schedule.callerIp, "127.0.0.1");
  const tenMinutes = 10 * 60 * 1000;
  assert.equal(schedule.nextScheduleTime % tenMinutes, 0);
  assert.ok(schedule.nextScheduleTime > start && schedule.nextScheduleTime <= start + 2 * tenMinutes);
});

test("omitted options are absent or have their default", async () => {
  const { scheduleId } = await client.schedules.create({ destination: FINE, cron: "1 1 1 1 1" });
  const schedule = await client.schedules.get(scheduleId);
  for (const name of ["body", "bodyBase64", "delay", "callback", "failureCallback", "queueName", "label", "rate"]) {
    assert.ok(!(name in schedule), `${name}: ${JSON.stringify(schedule)}`);
  }
  assert.deepEqual([schedule.method, schedule.retries], ["POST", 3]);
});

test("the list has exactly the existing schedules", async () => {
  const created = [];
  for (const cron of ["* * * * *", "CRON_TZ=Europe/Berlin 0 3 * * 1"]) {
    created.push((await client.schedules.create({ destination: FINE, cron })).scheduleId);
  }
  const schedules = await client.schedules.list();
  assert.deepEqual(schedules.map(({ scheduleId }) => scheduleId).sort(), created.sort());
  assert.ok(schedules.some(({ cron }) => cron === "CRON_TZ=Europe/Berlin 0 3 * * 1"));
});

test("pause and resume are idempotent", async () => {
  const { scheduleId } = await client.schedules.create({ destination: FINE, cron: "* * * * *" });
  const isPaused = async () => (await client.schedules.get(scheduleId)).isPaused;
  for (const _ of [1, 2]) {
    await client.schedules.pause({ schedule: scheduleId });
    assert.equal(await isPaused(), true);
  }
  for (const _ of [1, 2]) {
    await client.schedules.resume({ schedule: scheduleId });
    assert.equal(await isPaused(), false);
  }
});

test("the same ID replaces the whole schedule", async () => {
  const scheduleId = "mine-1.2_3";
  const create = (more) => client.schedules.create({ scheduleId, ...more });
  await create({ destination: "https://www.initial.com", cron: "*/5 * * * *", body: "body", retries: 1, label: "old" });
  const first = await client.schedules.get(scheduleId);
  assert.deepEqual([first.destination, first.body], ["https://www.initial.com", "body"]);

  assert.equal((await create({ destination: "https://www.updated.com", cron: "*/6 * * * *" })).scheduleId, scheduleId);
  const second = await client.schedules.get(scheduleId);
  assert.deepEqual(
    [second.destination, second.cron, second.body, second.retries, second.label],
    ["https://www.updated.com", "*/6 * * * *", undefined, 3, undefined],
  );
  assert.equal((await client.schedules.list()).length, 1);
});

test("flow control and queue are shown", async () => {
  const flowControl = { key: "scheduled", parallelism: 2, rate: 3, period: "1d" };
  const options = { destination: FINE, cron: "1 1 1 1 1", flowControl, queueName: "scheduled" };
  const { scheduleId } = await client.schedules.create(options);
  const { flowControlKey, parallelism, rate, ratePerSecond, period, queueName } =
    await client.schedules.get(scheduleId);
  assert.deepEqual(
    { flowControlKey, parallelism, rate, ratePerSecond, period, queueName },
    { flowControlKey: "scheduled", parallelism: 2, rate: 3, ratePerSecond: 3, period: 86_400, queueName: "scheduled" },
  );
});

test("a redacted schedule hides the redacted fields", async () => {
  const { scheduleId } = await client.schedules.create({
    destination: FINE,
    cron: "1 1 1 1 1",
    body: "secret body",
    headers: { Authorization: "secret header", "X-Open": "open" },
    redact: { body: true, header: ["Authorization"] },
  });
  const schedule = await client.schedules.get(scheduleId);
  assert.ok(!JSON.stringify(schedule).includes("secret"), JSON.stringify(schedule));
  assert.match(schedule.body, /^REDACTED:/);
  assert.deepEqual(schedule.header["X-Open"], ["open"]);
});

test("a group can be the destination", async () => {
  await client.urlGroups.addEndpoints({ name: "scheduled", endpoints: [{ url: FINE }] });
  const { scheduleId } = await client.schedules.create({ destination: "scheduled", cron: "1 1 1 1 1" });
  assert.equal((await client.schedules.get(scheduleId)).destination, "scheduled");
  await client.urlGroups.delete("scheduled");
});

test("invalid cron and ID are rejected, unknown schedules not found", async () => {
  await assert.rejects(client.schedules.create({ destination: FINE, cron: "every day" }), { status: 400 });
  await assert.rejects(client.schedules.create({ destination: FINE, cron: "61 * * * *" }), { status: 400 });
  await assert.rejects(client.schedules.create({ destination: FINE, cron: "* * * * *", scheduleId: "a b" }), {
    status: 400,
  });
  await assert.rejects(client.schedules.get("scd_gone"), { name: "QstashError", status: 404 });
});
