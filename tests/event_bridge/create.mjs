// Creates schedules with QStash's own JavaScript SDK: those of the JSON array on standard input.
import { Client } from "@upstash/qstash";
import { text } from "node:stream/consumers";

const client = new Client();
const ids = [];
for (const schedule of JSON.parse(await text(process.stdin))) {
  ids.push((await client.schedules.create(schedule)).scheduleId);
}
console.log(JSON.stringify(ids));
