// Flow control: the state of a key, and its operations.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "@upstash/qstash";
import { request } from "./api.mjs";
import { Destination } from "./destination.mjs";
import { eventually } from "./eventually.mjs";

const FINE = "https://mock.httpstatus.io/200";
const SLOW = `${FINE}?sleep=30000`;
const client = new Client();
let destination;

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());

test("a message shows its flow control", async () => {
  const flowControl = { key: "echo", parallelism: 3, rate: 10, period: "1d" };
  const { messageId } = await client.publish({ url: FINE, delay: "10d", flowControl });
  const { flowControlKey, parallelism, rate, ratePerSecond, period } = await client.messages.get(messageId);
  assert.deepEqual(
    { flowControlKey, parallelism, rate, ratePerSecond, period },
    { flowControlKey: "echo", parallelism: 3, rate: 10, ratePerSecond: 10, period: 86_400 },
  );
});

test("a key exists after the first message with it", async () => {
  const { messageId } = await client.publish({
    url: SLOW,
    flowControl: { key: "fresh", parallelism: 2, rate: 3, period: 60 },
  });
  const info = await client.flowControl.get("fresh");
  assert.deepEqual([info.flowControlKey, info.parallelismMax, info.rateMax, info.ratePeriod], ["fresh", 2, 3, 60]);
  for (const name of ["waitListSize", "parallelismCount", "rateCount", "ratePeriodStart"]) {
    assert.equal(typeof info[name], "number", name);
  }
  assert.deepEqual([info.isPaused, info.isPinnedParallelism, info.isPinnedRate], [false, false, false]);
  await eventually(async () => (await client.flowControl.get("fresh")).parallelismCount === 1);
  assert.deepEqual(await client.messages.cancel(messageId), { cancelled: 1 });
  await eventually(async () => (await client.flowControl.get("fresh")).parallelismCount === 0);
});

test("global parallelism is shown", async () => {
  const { parallelismMax, parallelismCount } = await client.flowControl.getGlobalParallelism();
  assert.ok(parallelismMax > 0 && parallelismCount >= 0);
});

test("a paused key blocks messages until it is resumed", async () => {
  const flowControl = { key: "held", parallelism: 1 };
  const first = await client.publish({ url: destination.url("/first"), flowControl });
  await destination.next();
  await client.flowControl.pause("held");
  assert.equal((await client.flowControl.get("held")).isPaused, true);
  await client.publish({ url: destination.url("/second"), flowControl });
  assert.equal((await client.flowControl.get("held")).waitListSize, 1);
  await client.flowControl.resume("held");
  assert.equal((await client.flowControl.get("held")).isPaused, false);
  assert.equal((await destination.next()).path, "/second");
  assert.ok(first.messageId);
});

test("parallelism of a key is not exceeded", async () => {
  const flowControl = { key: "narrow", parallelism: 1 };
  const slow = await client.publish({ url: SLOW, flowControl });
  await eventually(async () => (await client.flowControl.get("narrow")).parallelismCount === 1);
  await client.publish({ url: destination.url("/waits"), flowControl });
  assert.equal((await client.flowControl.get("narrow")).waitListSize, 1);
  await client.messages.cancel(slow.messageId);
  assert.equal((await destination.next()).path, "/waits");
});

test("the rate of a key is not exceeded", async () => {
  const flowControl = { key: "rated", rate: 1, period: "1d" };
  await client.publish({ url: destination.url("/one"), flowControl });
  assert.equal((await destination.next()).path, "/one");
  const { messageId } = await client.publish({ url: destination.url("/two"), flowControl });
  const info = await client.flowControl.get("rated");
  assert.deepEqual([info.rateCount, info.waitListSize], [1, 1]);
  await client.flowControl.resetRate("rated");
  assert.equal((await destination.next()).path, "/two");
  assert.ok(messageId);
});

test("messages do not change a pinned key", async () => {
  const publish = (parallelism) =>
    client.publish({ url: FINE, delay: "1h", flowControl: { key: "pinned", parallelism, rate: 1 } });
  await publish(1);
  await client.flowControl.pin("pinned", { parallelism: 7, rate: 8, period: 9 });
  await publish(2);
  const read = async () => {
    const { parallelismMax, rateMax, ratePeriod, isPinnedParallelism, isPinnedRate } =
      await client.flowControl.get("pinned");
    return [parallelismMax, rateMax, ratePeriod, isPinnedParallelism, isPinnedRate];
  };
  assert.deepEqual(await read(), [7, 8, 9, true, true]);

  await client.flowControl.unpin("pinned", { parallelism: true });
  assert.deepEqual(await read(), [7, 8, 9, false, true]);
  await publish(3);
  assert.deepEqual(await read(), [3, 8, 9, false, true]);
  await client.flowControl.unpin("pinned", { rate: true });
  assert.deepEqual((await read()).slice(3), [false, false]);
});

test("a reset starts a new period", async () => {
  const flowControl = { key: "reset", rate: 5, period: "1h" };
  await client.publish({ url: destination.url("/"), flowControl });
  await destination.next();
  await client.flowControl.pause("reset");
  assert.equal((await client.flowControl.get("reset")).rateCount, 1);
  await client.flowControl.resetRate("reset");
  const info = await client.flowControl.get("reset");
  assert.equal(info.rateCount, 0);
  assert.ok(Math.abs(info.ratePeriodStart - Date.now() / 1000) < 60, `${info.ratePeriodStart} is in seconds`);
});

test("keys are listed, all or by substring", async () => {
  for (const key of ["listed-a", "listed-b", "other"]) {
    await client.publish({ url: FINE, delay: "1h", flowControl: { key, parallelism: 1 } });
  }
  const list = async (query) => (await request("GET", `/v2/flowControl${query}`)).body;
  const names = (keys) => keys.map(({ flowControlKey }) => flowControlKey).sort();
  const found = await list("?search=listed");
  assert.deepEqual(names(found), ["listed-a", "listed-b"]);
  assert.deepEqual(found.find(({ flowControlKey }) => flowControlKey === "listed-a"), await client.flowControl.get("listed-a"));
  const all = names(await list(""));
  assert.ok(["listed-a", "listed-b", "other"].every((name) => all.includes(name)), String(all));
  assert.deepEqual(await list("?search=absent"), []);
});

test("an unknown key is not found", async () => {
  await assert.rejects(client.flowControl.get("absent"), { name: "QstashError", status: 404 });
});
