import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const PAUSE_MS = 50;

/**
 * The first answer of `ask` that is neither undefined, false nor an error. What happens inside the
 * server can only be asked for, so this asks again, up to a bound.
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
