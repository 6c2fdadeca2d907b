// What our functions are compared with: a Lambda runtime loop on Node, as small as it can be, whose
// handler verifies the signature with QStash's official receiver. Lambda's own loop does more.
import { Receiver } from "@upstash/qstash";
import { request } from "node:http";
import { text } from "node:stream/consumers";

const receiver = new Receiver({
  currentSigningKey: process.env.QSTASH_CURRENT_SIGNING_KEY,
  nextSigningKey: process.env.QSTASH_NEXT_SIGNING_KEY,
});

const ask = (method, path, body) =>
  new Promise((resolve, reject) => {
    const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
    const asked = request(url, { method }, async (response) => resolve([response.headers, await text(response)]));
    asked.on("error", reject).end(body);
  });

for (;;) {
  const [headers, event] = await ask("GET", "next");
  const { headers: given, body } = JSON.parse(event);
  const verified = receiver.verify({ signature: given["upstash-signature"] ?? "", body });
  const statusCode = await verified.then(() => 200, () => 401);
  await ask("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify({ statusCode }));
}
