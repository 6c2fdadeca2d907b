import { Client } from "@upstash/qstash";

const client = new Client();

export async function POST() {
  const { messageId } = await client.publishJSON({
    url: `${process.env.APP_URL}/api/greet`,
    body: { name: "Ada" },
    retries: 5,
  });
  return Response.json({ messageId });
}
