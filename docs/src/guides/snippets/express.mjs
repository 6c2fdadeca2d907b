import express from "express";
import { Receiver, SignatureError } from "@upstash/qstash";

const receiver = new Receiver({
  currentSigningKey: process.env.QSTASH_CURRENT_SIGNING_KEY,
  nextSigningKey: process.env.QSTASH_NEXT_SIGNING_KEY,
});
const app = express();

// The signature covers the raw body: read it as text, whatever its type, and do not parse it before verify().
app.post("/api/greet", express.text({ type: () => true, limit: "10mb" }), async (request, response) => {
  const body = request.body ?? "";
  try {
    await receiver.verify({
      signature: request.header("Upstash-Signature") ?? "",
      body,
      url: `${process.env.APP_URL}/api/greet`,
    });
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    response.status(401).json({ error: error.message });
    return;
  }
  const { name } = JSON.parse(body);
  console.log(`Hello, ${name}! (${request.header("Upstash-Message-Id")})`);
  response.json({ greeted: name });
});

const port = Number(process.env.PORT);
app.listen(port, "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`listening on port ${port}`);
});
