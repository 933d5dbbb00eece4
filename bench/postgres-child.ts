/** The Postgres store alone, in a process of its own. */

import { randomUUID } from 'node:crypto';
import { openPostgresStore } from '../src/stores/postgres/postgres-store.ts';
import { answerJobs } from './children.ts';
import { textsOf } from './fill.ts';
import type { PostgresJob } from './postgres.ts';
import { withWriters } from './writers.ts';

const warnings: string[] = [];
const told = (_: object, text: string): void => void warnings.push(text);

const store = await openPostgresStore({
  url: process.argv[2] ?? '',
  wait: 10_000,
  maxWaiting: 3,
  clock: { now: () => Date.now() },
  logger: { debug() {}, info() {}, warn: told, error: told },
});

let count = 0;
const next = () => {
  const n = count++;
  const { user, bot } = textsOf(n);
  const visitor = { kind: 'user', id: `writer-${n % 500}` } as const;
  return { message: { id: randomUUID(), visitor, user, timestamp: Date.now() / 1000 }, bot };
};

const exchange = async (): Promise<void> => {
  const { message, bot } = next();
  await store.accept(message);
  await store.finish({ ...message, bot });
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

/** Pages of visitors' histories, from the newest and from somewhere amid; milliseconds each. */
const pages = async (samples: number, visitors: number): Promise<number[]> => {
  const times: number[] = [];
  for (let n = 0; n < samples; n++) {
    const visitor = { kind: 'user', id: `visitor-${(n * 7) % visitors}` } as const;
    const page = await store.recent(visitor, { limit: 100 });
    const before = page.at(-1)?.id;
    times.push(
      await timed(() => store.recent(visitor, { limit: 21, ...(n % 2 && before ? { before } : {}) })),
    );
  }
  return times;
};

/** What the limit and the place among a visitor's messages cost each message; milliseconds. */
const cost = async (samples: number): Promise<{ limit: number[]; lease: number[] }> => {
  const limit: number[] = [];
  const lease: number[] = [];
  for (let n = 0; n < samples; n++) {
    limit.push(await timed(() => store.countCall(`post:203.0.113.${n % 200}`, 60_000)));
    const { message, bot } = next();
    const signal = AbortSignal.timeout(10_000);
    lease.push(
      await timed(async () => {
        const begun = await store.accept(message);
        if (begun.type === 'accepted') await begun.mayRun(signal);
      }),
    );
    await store.finish({ ...message, bot });
  }
  return { limit, lease };
};

answerJobs(async (job) => {
  // Only postgres.ts sends jobs.
  const { how, samples, writers, visitors } = job as PostgresJob;
  if (warnings.length > 0) throw new Error(warnings.join('; '));
  switch (how) {
    case 'append':
      return { ms: await withWriters(exchange, samples, writers), exchanges: samples };
    case 'pages':
      return pages(samples, visitors);
    case 'cost':
      return cost(samples);
  }
});
