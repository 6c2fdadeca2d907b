// The SDK's development mode finds the server by its port and by QStash's public development keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, Receiver } from "@upstash/qstash";
import { Destination } from "./destination.mjs";

const { QSTASH_URL, QSTASH_TOKEN, QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY } = process.env;
for (const name of ["QSTASH_URL", "QSTASH_TOKEN", "QSTASH_CURRENT_SIGNING_KEY", "QSTASH_NEXT_SIGNING_KEY"]) {
  delete process.env[name];
}
process.env.QSTASH_DEV_PORT = new URL(QSTASH_URL).port;
let destination;

// The keys identify the server. A client that does not find it would download and start another one.
const keys = await fetch(`${QSTASH_URL}/v2/keys`, { headers: { Authorization: `Bearer ${QSTASH_TOKEN}` } });
assert.deepEqual(await keys.json(), { current: QSTASH_CURRENT_SIGNING_KEY, next: QSTASH_NEXT_SIGNING_KEY });

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());

test("client and receiver need no settings in development mode", async () => {
  const client = new Client({ devMode: true });
  const { messageId } = await client.publishJSON({ url: destination.url("/hook"), body: { a: 1 } });
  const { headers, body } = await destination.next();
  assert.equal(headers["upstash-message-id"], messageId);
  const receiver = new Receiver({ devMode: true });
  assert.equal(
    await receiver.verify({ signature: headers["upstash-signature"], body, url: destination.url("/hook") }),
    true,
  );
  assert.equal((await client.messages.get(messageId)).body, '{"a":1}');
});

test("development mode can be set in the environment", async () => {
  process.env.QSTASH_DEV = "true";
  const { messageId } = await new Client().publish({ url: destination.url("/hook"), body: "x" });
  assert.equal((await destination.next()).headers["upstash-message-id"], messageId);
  delete process.env.QSTASH_DEV;
});
