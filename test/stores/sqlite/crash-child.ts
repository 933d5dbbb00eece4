// Begins and finishes exchanges at full tilt and prints what was acknowledged: `b <id>.` and `f <id>.`. What
// makes a crash interesting (commits, checkpoints, copies, archiving) happens all the time.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { Visitor } from '../../../src/chat/model.ts';
import { openSqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';

const WORKERS = 8;
const DAY = 86_400;

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const store = await openSqliteStore({
  dir: process.argv[2] ?? '',
  maxBytes: 30_000,
  clock: { now: () => Date.now() },
  logger: silent,
  tuning: { smallWaitMs: 4, checkMs: 10 },
});

let count = 0;
const work = async (worker: number): Promise<never> => {
  for (;;) {
    const n = count++;
    const id = randomUUID();
    const visitor: Visitor =
      n % 5 === 0 ? { kind: 'anonymous', id: `session-${n % 50}` } : { kind: 'user', id: `user-${worker}` };
    const message = { id, visitor, user: `Message ${n}`, timestamp: 1.79e9 + (n % 40) * DAY };
    await store.accept(message);
    writeSync(1, `b ${id}.\n`);
    store.setThread(visitor, { id: `thread-${n}`, madeBy: 'crash' });
    await store.countMessage('2026-10-13');
    await store.finish({ ...message, bot: 'An answer, 🙂. '.repeat(n % 40) });
    writeSync(1, `f ${id}.\n`);
  }
};
await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
