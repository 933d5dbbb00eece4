// Under `ulimit -f` a write beyond the limit fails with EFBIG, as on a full disk. Finishes more exchanges than
// one file may hold and tells how each call ended.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const store = await openSqliteStore({
  dir: process.argv[2] ?? '',
  maxBytes: 1e9,
  clock: { now: () => Date.now() },
  logger: silent,
  tuning: { retryMs: 5, smallWaitMs: 20 },
});
const visitor = { kind: 'user', id: 'alice' } as const;
let unwell = 0;
const worker = async (): Promise<void> => {
  for (let round = 0; round < 120; round++) {
    const message = { id: randomUUID(), visitor, user: 'Hello', timestamp: Date.now() / 1000 };
    const accepted = await store.accept(message).then(
      () => true,
      (error) => {
        writeSync(1, `r ${message.id} ${error.code}.\n`);
        return false;
      },
    );
    if (!store.health().ok) unwell++;
    await store.finish({ ...message, bot: 'x'.repeat(100) });
    writeSync(1, `f ${message.id} ${accepted}.\n`);
    // Not all of them in step: then accepting and finishing go into one commit.
    await sleep(Math.random() * 3);
  }
};
await Promise.all(Array.from({ length: 5 }, worker));
writeSync(1, `end ${unwell} ${store.health().ok}\n`);
process.exit(0);
