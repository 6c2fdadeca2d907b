import { verifySignatureAppRouter } from "@upstash/qstash/nextjs";

export const POST = verifySignatureAppRouter(async (request) => {
  const { name } = await request.json();
  console.log(`Hello, ${name}! (${request.headers.get("upstash-message-id")})`);
  return Response.json({ greeted: name });
});
