// Runs the two routes of the guide for Next.js without Next.js: serves the handler and calls the route that publishes.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { POST as greet } from "./greet.mjs";
import { POST as signup } from "./signup.mjs";

const server = createServer(async (incoming, outgoing) => {
  const { method, headers, url } = incoming;
  const request = new Request(`http://${headers.host}${url}`, { method, headers, body: await buffer(incoming) });
  const response = await greet(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
});
server.listen(0, "127.0.0.1", async () => {
  process.env.APP_URL = `http://127.0.0.1:${server.address().port}`;
  const response = await signup();
  console.log((await response.json()).messageId);
});
