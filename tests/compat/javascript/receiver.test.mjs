// A receiver verifies requests with the keys of its environment.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, Receiver, SignatureError } from "@upstash/qstash";
import { Destination } from "./destination.mjs";

const client = new Client();
const receiver = new Receiver();
let destination;

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());

async function delivered(path, body, options = {}) {
  await client.publish({ url: destination.url(path), body, ...options });
  const request = await destination.next();
  return { signature: request.headers["upstash-signature"], body: request.body, url: destination.url(path) };
}

test("messages with and without a body are verified for any URL", async () => {
  for (const [path, body] of [
    ["", undefined],
    ["/", "text"],
    ["/a?b=%20c&d=é", "wörld"],
    ["/a//b", '{"a":1}'],
  ]) {
    const request = await delivered(path, body);
    // The URL parser of a publishing program writes non-ASCII characters in its own way.
    request.url = new URL(request.url).href.replace(/\/$/, path === "" ? "" : "/");
    assert.equal(await receiver.verify(request), true, path);
  }
});

test("every method is signed", async () => {
  for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
    assert.equal(await receiver.verify(await delivered("/", "body", { method })), true, method);
  }
});

test("a retry has its own signature", async () => {
  destination.status = 500;
  await client.publish({ url: destination.url("/again"), body: "b", retries: 1, retryDelay: "10" });
  const [first, second] = [await destination.next(), await destination.next()];
  destination.status = 200;
  assert.deepEqual([first.headers["upstash-retried"], second.headers["upstash-retried"]], ["0", "1"]);
  assert.equal(first.headers["upstash-message-id"], second.headers["upstash-message-id"]);
  assert.notEqual(first.headers["upstash-signature"], second.headers["upstash-signature"]);
  const signature = second.headers["upstash-signature"];
  assert.equal(await receiver.verify({ signature, body: "b", url: destination.url("/again") }), true);
});

test("callbacks are signed with their own URL and body", async () => {
  await client.publish({ url: "https://mock.httpstatus.io/200", callback: destination.url("/back") });
  const { headers, body } = await destination.next();
  const signature = headers["upstash-signature"];
  assert.equal(await receiver.verify({ signature, body, url: destination.url("/back") }), true);
});

test("a changed request is rejected", async () => {
  const request = await delivered("/", "body");
  await assert.rejects(receiver.verify({ ...request, body: "Body" }), SignatureError);
  await assert.rejects(receiver.verify({ ...request, url: destination.url("/other") }), SignatureError);
  const stranger = new Receiver({ currentSigningKey: "sig_a", nextSigningKey: "sig_b" });
  await assert.rejects(stranger.verify(request), SignatureError);
});
