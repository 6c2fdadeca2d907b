// Verifies deliveries with QStash's own JavaScript receiver. Reads a JSON array of cases from
// standard input and writes an array with null for each that is valid, else the error.
import { Receiver } from "@upstash/qstash";
import { text } from "node:stream/consumers";

const results = [];
for (const { currentSigningKey, nextSigningKey, signature, body, url } of JSON.parse(await text(process.stdin))) {
  try {
    const receiver = new Receiver({ currentSigningKey, nextSigningKey });
    results.push((await receiver.verify({ signature, body, url })) ? null : "false");
  } catch (error) {
    results.push(`${error.name}: ${error.message}`);
  }
}
console.log(JSON.stringify(results));
