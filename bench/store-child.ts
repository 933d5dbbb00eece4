/** The embedded store alone, in a process of its own, so that its event loop can be watched. */

import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { answerJobs } from './children.ts';
import { textsOf } from './fill.ts';
import type { StoreJob, Watched } from './store.ts';
import { withWriters } from './writers.ts';

/** The loop is looked at once a millisecond; that millisecond is not delay. */
const RESOLUTION_MS = 1;
/** While snapshots are written, messages come at this rate. */
const GAP_MS = 10;

const warnings: string[] = [];
const told = (_: object, text: string): void => void warnings.push(text);

const store = await openSqliteStore({
  dir: process.argv[2] ?? '',
  // Archiving is not what is measured.
  maxBytes: 1024 * 1024 * 1024,
  clock: { now: () => Date.now() },
  logger: { debug() {}, info() {}, warn: told, error: told },
});

let count = 0;
const exchange = async (): Promise<void> => {
  const n = count++;
  const { user, bot } = textsOf(n);
  const visitor = { kind: 'user', id: `visitor-${n % 500}` } as const;
  const message = { id: randomUUID(), visitor, user, timestamp: Date.now() / 1000 };
  await store.accept(message);
  await store.finish({ ...message, bot });
};

const appendDuringSnapshot = async (writers: number): Promise<{ ms: number; exchanges: number }> => {
  const began = performance.now();
  const first = count;
  let writing = true;
  const writer = async (): Promise<void> => {
    while (writing) await exchange();
  };
  const ends = Array.from({ length: writers }, writer);
  await store.updateCopy();
  writing = false;
  const result = { ms: performance.now() - began, exchanges: count - first };
  await Promise.all(ends);
  return result;
};

/** Writes snapshots, one after the other, while messages come in. */
const watch = async (snapshots: number): Promise<Watched> => {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let snapshotMs = 0;
  for (let n = 0; n < snapshots; n++) {
    await exchange();
    let writing = true;
    const visitors = (async () => {
      while (writing) {
        await Promise.all([exchange(), sleep(GAP_MS)]);
      }
    })();
    delay.enable();
    const began = performance.now();
    await store.updateCopy();
    snapshotMs += (performance.now() - began) / snapshots;
    delay.disable();
    writing = false;
    await visitors;
  }
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  return { p99: ms(delay.percentile(99)), max: ms(delay.max), snapshotMs };
};

answerJobs(async (job) => {
  // Only store.ts sends jobs.
  const { how, exchanges, writers, snapshots } = job as StoreJob;
  if (warnings.length > 0) throw new Error(warnings.join('; '));
  switch (how) {
    case 'append':
      return { ms: await withWriters(exchange, exchanges, writers), exchanges };
    case 'append-during-snapshot':
      return appendDuringSnapshot(writers);
    case 'watch':
      return watch(snapshots);
    case 'settle':
      await store.updateCopy();
      return {};
  }
});
