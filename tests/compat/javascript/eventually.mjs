import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const PAUSE_MS = 50;

/**
 * Returns the first result of `ask` that is neither undefined, false nor an error. Polls up to a time
 * limit, because the server does not report its internal progress.
 */
export async function eventually(ask) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    let missing;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      missing = new Error(`still ${answer} after ${PATIENCE_MS} ms: ${ask}`);
    } catch (error) {
      missing = error;
    }
    if (Date.now() > end) throw missing;
    await sleep(PAUSE_MS);
  }
}
