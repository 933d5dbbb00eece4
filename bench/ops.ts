/** The operators' pages: how long a list, a search and an overview take while 100 messages a second are written. */

import { randomUUID } from 'node:crypto';
import type { Exchange } from '../src/chat/model.ts';
import type { Store } from '../src/chat/store-port.ts';
import { searchTerms } from '../src/ops/fold.ts';
import type { OpsStore } from '../src/ops/ops-port.ts';
import { openSqliteOps } from '../src/ops/sqlite/sqlite-ops-store.ts';
import { openSqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { removeFolder, temporaryFolder } from './children.ts';
import { median, milliseconds, percentile } from './figures.ts';
import type { Bench, Row } from './report.ts';

const quiet = () => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const clock = { now: () => Date.now() };
const DAY_S = 86_400;
/** Messages a second that are written meanwhile. */
const RATE = 100;
const TRIES = 7;

const exchangeAt = (timestamp: number, n: number): Exchange => ({
  id: randomUUID(),
  visitor: { kind: 'user', id: `visitor-${n % 5_000}` },
  user: `What does order ${n} cost, and when does it come? ${'Please tell me. '.repeat(4)}`,
  bot: n % 50 === 0 ? null : `Order ${n} costs ${n % 97} euros. ${'It comes in a few days. '.repeat(8)}`,
  ...(n % 50 === 0 && { error: 'upstream_timeout' }),
  timestamp,
  usage: { input: 300 + (n % 100), output: 80 },
  run: {
    backend: 'responses',
    model: 'gpt-6-luna',
    queuedMs: 1,
    firstWordMs: 300 + (n % 700),
    totalMs: 1_500 + (n % 2_000),
  },
});

/** Writes messages all the time. @returns What ends that, and gives how long each took. */
const writeOn = (store: Store): (() => Promise<number[]>) => {
  const times: number[] = [];
  const running = new Set<Promise<void>>();
  const one = async (): Promise<void> => {
    const began = performance.now();
    const exchange = exchangeAt(clock.now() / 1000, 1_000_000 + times.length);
    await store.accept(exchange);
    await store.finish(exchange);
    times.push(performance.now() - began);
  };
  const timer = setInterval(() => {
    const writing = one().finally(() => running.delete(writing));
    running.add(writing);
  }, 1_000 / RATE);
  return async () => {
    clearInterval(timer);
    await Promise.all(running);
    return times;
  };
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

const READS: Record<string, (ops: OpsStore) => Promise<unknown>> = {
  'first page': (ops) => ops.conversations({}, { limit: 50 }),
  'search, a common word': (ops) => ops.conversations({ words: searchTerms('euros') }, { limit: 50 }),
  'search, one place': (ops) =>
    ops.conversations({ words: searchTerms('"order 4711 costs"') }, { limit: 50 }),
  'search, nothing there': (ops) => ops.conversations({ words: searchTerms('zanzibar') }, { limit: 50 }),
  'failed only': (ops) => ops.conversations({ failed: true }, { limit: 50 }),
  'overview, 30 days': (ops) => {
    const now = clock.now() / 1000;
    return ops.overview(Array.from({ length: 31 }, (_, day) => now - (30 - day) * DAY_S));
  },
};

const measure = async (name: string, rows: number, store: Store, ops: OpsStore): Promise<Row[]> => {
  const found: Row[] = [];
  const what = (text: string) => `ops: ${text}, ${rows.toLocaleString('en')} exchanges, ${name}`;
  const add = (text: string, ms: number, target: number | undefined) =>
    found.push({
      what: what(text),
      measured: milliseconds(ms),
      baseline: '',
      target: target === undefined ? '' : `at most ${target} ms`,
      ...(target !== undefined && { ok: ms <= target }),
    });
  const alone = writeOn(store);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  add('a message durable, p99, nobody looks', percentile(await alone(), 0.99), undefined);
  add(
    'the first overview after a start',
    await timed(() => READS['overview, 30 days']?.(ops) ?? Promise.resolve()),
    undefined,
  );
  add(
    'the first search after a start',
    await timed(() => READS['search, nothing there']?.(ops) ?? Promise.resolve()),
    undefined,
  );
  const during = writeOn(store);
  for (const [text, read] of Object.entries(READS)) {
    const times: number[] = [];
    for (let n = 0; n < TRIES; n++) times.push(await timed(() => read(ops)));
    add(text, median(times), rows > 100_000 ? 1_000 : text.startsWith('overview') ? 500 : 200);
  }
  add('a message durable, p99, while they look', percentile(await during(), 0.99), undefined);
  return found;
};

/** Exchanges of the last 30 days, in the order of their times. */
const filler = (rows: number) => {
  const step = (30 * DAY_S) / rows;
  const start = clock.now() / 1000 - 30 * DAY_S;
  return (n: number): Exchange => exchangeAt(start + n * step, n);
};

const onSqlite = async (rows: number): Promise<Row[]> => {
  const dir = temporaryFolder();
  const store = await openSqliteStore({ dir, maxBytes: 64_000_000, clock, logger });
  const ops = await openSqliteOps(store);
  try {
    const at = filler(rows);
    for (let n = 0; n < rows; n += 500) {
      await store.add(
        Array.from({ length: Math.min(500, rows - n) }, (_, index) => {
          const { visitor, key: _key, ...exchange } = at(n + index);
          return { row: { ...exchange, visitor: `u:${visitor.id}` } };
        }),
      );
    }
    return await measure('SQLite', rows, store, ops);
  } finally {
    ops.stop();
    await store.close();
    removeFolder(dir);
  }
};

export const ops: Bench = async ({ quick }) => {
  const rows = await onSqlite(quick ? 20_000 : 100_000);
  if (!quick) rows.push(...(await onSqlite(1_000_000)));
  return rows;
};
