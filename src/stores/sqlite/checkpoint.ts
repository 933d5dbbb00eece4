import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Thread } from './thread.ts';

/** A reader in the middle of a read keeps the write-ahead log from being emptied. */
const TRIES = 50;
const PAUSE_MS = 100;

const answer = z.array(z.object({ busy: z.number() }));

/** Empties the write-ahead log into the database. @throws Error where readers are in the way for too long. */
export const emptyLog = async (writerThread: Thread): Promise<void> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const [state] = answer.parse(await writerThread.ask({ type: 'checkpoint' }));
    if (!state || state.busy === 0) return;
    await sleep(PAUSE_MS);
  }
  throw new Error('the write-ahead log could not be emptied: it is being read all the time');
};
