import { setTimeout as sleep } from 'node:timers/promises';
import type { OlderExchange } from '../../log-file/read-log.ts';
import type { Journal } from './journal.ts';
import type { Memory } from './memory.ts';
import { importedLine } from './records.ts';
import type { Snapshots } from './snapshots.ts';

/** Bytes over the log's limit at which an import archives: each time costs a rewrite and a file a month. */
export const HEADROOM_BYTES = 16 * 1024 * 1024;

/** Milliseconds between two looks whether the disk still takes what waits for it. */
const LOOK_MS = 250;

/** Waits for the disk, but not for one that fails: an import can be run again, a visitor's message cannot. */
const durableOrFailed = async (durable: Promise<void>, journal: Journal): Promise<void> => {
  let isDurable = false;
  const done = durable.then(() => {
    isDurable = true;
  });
  while (!isDurable) {
    await Promise.race([done, sleep(LOOK_MS, undefined, { ref: false })]);
    const trouble = isDurable ? undefined : journal.trouble();
    if (!trouble) continue;
    done.catch(() => undefined);
    throw trouble;
  }
};

/** Takes exchanges over from another log, a batch at a time, each in one write. */
export const createTakeOver =
  (deps: { memory: Memory; journal: Journal; snapshots: Snapshots; maxBytes: number }) =>
  async (batch: readonly OlderExchange[]): Promise<void> => {
    const { memory, journal, snapshots, maxBytes } = deps;
    const lines = batch.map(({ key, time, json }) => importedLine(key, time, json));
    const durable = journal.append(lines.join(''));
    // In memory in the same breath: a snapshot must hold all that the journal parts before it do.
    for (const one of batch) memory.addOlder(one);
    await durableOrFailed(durable, journal);
    const limit = maxBytes + HEADROOM_BYTES;
    if (memory.log.bytes <= limit) return;
    await snapshots.now();
    // The service would go on; here it would go on until the memory is full.
    if (memory.log.bytes > limit)
      throw new Error('The oldest exchanges could not be moved into the archive.');
  };
