// A handler as a Next.js application has it in `app/api/jobs/email/route.ts`, without Next.js: this
// script builds the Request and sends the Response, or 500 if the route throws.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { verifySignatureAppRouter } from "@upstash/qstash/nextjs";

const POST = verifySignatureAppRouter(async (request) => {
  const { to } = await request.json();
  const header = (name) => request.headers.get(`upstash-${name}`);
  console.log(JSON.stringify({ to, messageId: header("message-id"), retried: header("retried") }));
  if (header("retried") === "0") {
    return Response.json({ success: false, error: "the provider is away" }, { status: 500 });
  }
  return Response.json({ success: true });
});

const server = createServer(async (incoming, outgoing) => {
  const { method, headers, url } = incoming;
  const request = new Request(`http://${headers.host}${url}`, { method, headers, body: await buffer(incoming) });
  const response = await POST(request).catch((error) => Response.json({ error: error.name }, { status: 500 }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/api/jobs/email`));
