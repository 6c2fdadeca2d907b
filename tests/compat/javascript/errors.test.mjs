// Errors are thrown as the SDK's own classes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, QstashError } from "@upstash/qstash";

const FINE = "https://mock.httpstatus.io/200";
const baseUrl = process.env.QSTASH_URL;
const client = new Client();

/** Returns the status and the text of the error. */
async function refusal(asked) {
  const error = await asked.then(
    () => assert.fail("no error"),
    (error) => error,
  );
  assert.ok(error instanceof QstashError, String(error));
  return [error.status, JSON.parse(error.message).error];
}

test("a wrong token is rejected", async () => {
  const stranger = new Client({ baseUrl, token: "not-the-token" });
  assert.deepEqual(await refusal(stranger.publish({ url: FINE })), [401, "unable to authenticate: invalid token"]);
});

test("a deduplication ID with a colon is rejected", async () => {
  const asked = client.publish({ url: FINE, deduplicationId: "user:1" });
  assert.deepEqual(await refusal(asked), [400, "DeduplicationId cannot contain ':'"]);
});

test("a destination on a private network is rejected", async () => {
  const asked = client.publish({ url: "http://10.0.0.1/" });
  assert.deepEqual(await refusal(asked), [
    400,
    "invalid destination url: endpoint resolves to a private address: 10.0.0.1; to permit it, name it in ALLOW_TARGETS (serve: --allow-targets)",
  ]);
});

test("an invalid delay is reported with its header", async () => {
  const [status, text] = await refusal(client.publish({ url: FINE, delay: "soon" }));
  assert.equal(status, 400);
  assert.match(text, /^Upstash-Delay: /);
});

test("an invalid retry delay is rejected", async () => {
  const [status] = await refusal(client.publish({ url: FINE, retryDelay: "retried +" }));
  assert.equal(status, 400);
});

test("a base URL with a trailing slash works", async () => {
  const { messageId } = await new Client({ baseUrl: `${baseUrl}/`, token: process.env.QSTASH_TOKEN }).publish({
    url: FINE,
  });
  assert.ok(messageId);
});
