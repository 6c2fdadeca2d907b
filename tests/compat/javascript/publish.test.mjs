// Published messages are read back and delivered.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, resend } from "@upstash/qstash";
import { Destination } from "./destination.mjs";
import { eventually } from "./eventually.mjs";

const FINE = "https://mock.httpstatus.io/200";
const client = new Client();
let destination;

before(async () => {
  destination = await Destination.start();
});
after(() => destination.stop());

test("a JSON body is delivered unchanged with forwarded headers", async () => {
  const body = { greeting: "wörld", nested: [1, null] };
  const url = destination.url("/hook?a=1&b=%20c");
  const { messageId, url: echoed } = await client.publishJSON({
    url,
    body,
    headers: { "X-Mine": "v", "Test-Header": "t" },
  });
  assert.equal(echoed, url);

  const request = await destination.next();
  assert.equal(request.method, "POST");
  assert.equal(request.path, "/hook?a=1&b=%20c");
  assert.deepEqual(JSON.parse(request.body), body);
  assert.equal(request.headers["content-type"], "application/json");
  assert.equal(request.headers["x-mine"], "v");
  assert.equal(request.headers["upstash-message-id"], messageId);
  assert.equal(request.headers["upstash-retried"], "0");
  assert.equal(request.headers["user-agent"], "Upstash-QStash");
  assert.equal(request.headers.authorization, undefined);
  assert.deepEqual(
    Object.keys(request.headers).filter((name) => name.startsWith("upstash-telemetry")),
    [],
  );
  assert.deepEqual(
    Object.keys(request.headers).filter((name) => name.startsWith("upstash-forward")),
    [],
  );

  const message = await client.messages.get(messageId);
  assert.deepEqual(message.header, { "Content-Type": ["application/json"], "Test-Header": ["t"], "X-Mine": ["v"] });
  assert.equal(message.body, JSON.stringify(body));
  assert.deepEqual([message.url, message.callerIp, message.maxRetries], [url, "127.0.0.1", 3]);
});

test("the SDK's e-mail provider is a destination with its own token", async () => {
  const provider = resend({ token: "re_token" });
  const { messageId } = await client.publishJSON({ api: { name: "email", provider }, body: { to: "x" }, delay: "1h" });
  const { url, method, header, body } = await client.messages.get(messageId);
  assert.deepEqual([url, method, body], ["https://api.resend.com/emails", "POST", '{"to":"x"}']);
  assert.deepEqual(header, { Authorization: ["Bearer re_token"], "Content-Type": ["application/json"] });
});

test("a destination is delivered to through TLS", async () => {
  const { messageId } = await client.publish({ url: FINE, body: "to a name with a certificate" });
  await eventually(async () => {
    const { logs } = await client.logs({ messageIds: [messageId] });
    return logs.some(({ state }) => state === "DELIVERED");
  });
});

test("a delivered message stays readable", async () => {
  const { messageId } = await client.publish({ url: destination.url("/"), body: "b", label: "kept" });
  await destination.next();
  const message = await client.messages.get(messageId);
  assert.equal(message.messageId, messageId);
  assert.equal(message.label, "kept");
});

test("label is the first one, labels are all", async () => {
  const one = await client.publish({ url: FINE, label: "only" });
  const two = await client.publish({ url: FINE, label: ["first", "second"] });
  const read = async ({ messageId }) => {
    const { label, labels } = await client.messages.get(messageId);
    return { label, labels };
  };
  assert.deepEqual(await read(one), { label: "only", labels: ["only"] });
  assert.deepEqual(await read(two), { label: "first", labels: ["first", "second"] });
});

test("a delay sets notBefore", async () => {
  const now = Date.now();
  const { messageId } = await client.publish({ url: FINE, delay: 5 });
  const { notBefore, createdAt } = await client.messages.get(messageId);
  assert.ok(notBefore >= now + 4_000 && notBefore <= Date.now() + 6_000, `${notBefore} for ${now}`);
  assert.ok(createdAt < notBefore);
  assert.deepEqual(await client.messages.cancel(messageId), { cancelled: 1 });
});

test("notBefore is sent in seconds and returned in milliseconds", async () => {
  const seconds = Math.floor(Date.now() / 1000) + 120;
  const { messageId } = await client.publish({ url: FINE, notBefore: seconds });
  assert.equal((await client.messages.get(messageId)).notBefore, seconds * 1000);
});

test("a delay of ten days is accepted", async () => {
  const { messageId } = await client.publish({ url: "https://httpbin.org/post", delay: "10d" });
  const { notBefore, createdAt } = await client.messages.get(messageId);
  assert.ok(Math.abs(notBefore - createdAt - 10 * 24 * 3600 * 1000) < 5_000);
});

test("callback URLs are returned unchanged", async () => {
  const { messageId } = await client.publish({
    url: FINE,
    delay: "1h",
    retries: 1,
    callback: "https://example.com/back?foo=bar",
    failureCallback: "https://example.com/failed",
  });
  const message = await client.messages.get(messageId);
  assert.equal(message.callback, "https://example.com/back?foo=bar");
  assert.equal(message.failureCallback, "https://example.com/failed");
  assert.equal(message.maxRetries, 1);
});

test("callbacks report responses and the final failure", async () => {
  const { messageId } = await client.publish({
    url: "https://mock.httpstatus.io/404",
    body: "sent",
    retries: 0,
    callback: destination.url("/back?foo=bar"),
    failureCallback: destination.url("/failed"),
  });
  const reports = Object.fromEntries(
    [await destination.next(), await destination.next()].map(({ path, body }) => [path, JSON.parse(body)]),
  );
  const back = reports["/back?foo=bar"];
  assert.equal(back.status, 404);
  assert.equal(Buffer.from(back.body, "base64").toString(), "404 Not Found");
  assert.equal(Buffer.from(back.sourceBody, "base64").toString(), "sent");
  assert.equal(back.sourceMessageId, messageId);
  assert.equal(back.url, "https://mock.httpstatus.io/404");
  assert.deepEqual([back.retried, back.maxRetries], [0, 0]);
  const failed = reports["/failed"];
  assert.equal(failed.sourceMessageId, messageId);
  assert.deepEqual(
    (await client.dlq.listMessages({ filter: { messageId } })).messages.map(({ dlqId }) => dlqId),
    [failed.dlqId],
  );
});

test("message headers override headers of the client", async () => {
  const withHeaders = new Client({ headers: { "X-Both": "client", "X-Client": "c" } });
  const { messageId } = await withHeaders.publishJSON({ url: FINE, body: 1, headers: { "X-Both": "message" } });
  const { header } = await client.messages.get(messageId);
  assert.deepEqual([header["X-Both"], header["X-Client"]], [["message"], ["c"]]);
});

test("a header value with commas stays one value", async () => {
  const headers = new Headers([
    ["X-Case", "upper"],
    ["x-case", "lower"],
  ]);
  const { messageId } = await client.publish({ url: FINE, headers });
  assert.deepEqual((await client.messages.get(messageId)).header["X-Case"], ["upper, lower"]);
});

test("a retry delay is returned unchanged", async () => {
  const { messageId } = await client.publish({ url: FINE, retryDelay: "1000 * retried", method: "GET" });
  const message = await client.messages.get(messageId);
  assert.equal(message.retryDelayExpression, "1000 * retried");
  assert.equal(message.method, "GET");
});

test("a timeout fails the attempt", async () => {
  const { messageId } = await client.publish({
    url: "https://mock.httpstatus.io/200?sleep=20000",
    timeout: 1,
    retries: 0,
  });
  const dead = await eventually(async () => (await client.dlq.listMessages({ filter: { messageId } })).messages[0]);
  assert.equal(dead.responseStatus, 0);
});

test("a duplicate returns the ID of the first message", async () => {
  const publish = () => client.publish({ url: FINE, body: "x", delay: "1h", deduplicationId: "once" });
  const [first, second] = [await publish(), await publish()];
  assert.equal(second.messageId, first.messageId);
  assert.ok(!first.deduplicated);
  assert.equal(second.deduplicated, true);
});

test("content-based deduplication detects only equal contents", async () => {
  const publish = (body) => client.publish({ url: FINE, body, delay: "1h", contentBasedDeduplication: true });
  const [first, second, other] = [await publish("x"), await publish("x"), await publish("y")];
  assert.equal(second.messageId, first.messageId);
  assert.notEqual(other.messageId, first.messageId);
});
