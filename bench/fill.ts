/** A log as it is after a long life. */

import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Exchanges in a full log. */
export const FULL = 100_000;
/** Exchanges in the log of a large site. */
export const HUGE = 1_000_000;
/** Bytes of an exchange in the log. */
const BYTES = 640;
const VISITORS = 1_000;

const QUESTION = 'How do I return a parcel that arrived too late, and who pays for it? ';

/** About so many bytes as JSON: a question and an answer. */
export const textsOf = (n: number): { user: string; bot: string } => {
  const user = `${QUESTION}(${n})`;
  const bot = 'You have thirty days, and the way back is on us. '
    .repeat(11)
    .slice(0, BYTES - user.length - 105);
  return { user, bot };
};

/**
 * Writes a conversations.json of 100,000 exchanges, of a thousand visitors; the next start makes the database of it.
 * @param one How many of them the first visitor holds; absent: as many as the others.
 * @param full Another number of exchanges.
 */
export const writeFullLog = (dir: string, one = FULL / VISITORS, full = FULL): void => {
  mkdirSync(dir, { recursive: true });
  const file = openSync(join(dir, 'conversations.json'), 'w', 0o640);
  const each = Math.ceil((full - one) / (VISITORS - 1));
  const start = Date.now() / 1000 - full;
  let n = 0;
  writeSync(file, '{');
  for (let visitor = 0; visitor < VISITORS && n < full; visitor++) {
    const count = Math.min(visitor === 0 ? one : each, full - n);
    const lines = Array.from({ length: count }, () => {
      n++;
      return JSON.stringify({
        ...textsOf(n),
        timestamp: Math.round((start + n) * 1000) / 1000,
        id: randomUUID(),
      });
    });
    writeSync(file, `${visitor === 0 ? '' : ','}\n"visitor-${visitor}": [\n${lines.join(',\n')}\n]`);
  }
  writeSync(file, '\n}\n');
  closeSync(file);
};
