/**
 * The operators' pages of a running service: how long a list, a search and an overview take while visitors send 100
 * messages a second, and what that does to the visitors.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { removeFolder, temporaryFolder } from './children.ts';
import { startDatabase } from './database.ts';
import { median, milliseconds, percentile } from './figures.ts';
import { type Generator, startGenerator, visitorsOf } from './load.ts';
import { filledDatabase, fillFolder } from './ops-fill.ts';
import { expectedAnswer, type Kept, startEmulator, startService } from './programs.ts';
import type { Bench, Row } from './report.ts';

/** Messages a second that are answered meanwhile. */
const RATE = 100;
/** Between two looks of the one operator, in milliseconds. */
const PAUSE_MS = 200;
const OPS_TOKEN = 'ops-token-of-the-bench-0123456789abcdef';

const PAGES = {
  'first page': '/ops/conversations',
  'search, a common word': '/ops/conversations?q=euros',
  'search, one place': '/ops/conversations?q=%22order+4711+costs%22',
  'search, nothing there': '/ops/conversations?q=zanzibar',
  'failed only': '/ops/conversations?show=failed',
  'overview, 30 days': '/ops?range=30d',
} as const;
const OVERVIEW = PAGES['overview, 30 days'];

/** @returns How long a page took, in milliseconds. */
const look = async (url: string): Promise<number> => {
  const began = performance.now();
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${OPS_TOKEN}` } });
  const page = await answer.text();
  if (answer.status !== 200 || !page.includes('</html>'))
    throw new Error(`${url}: ${answer.status} ${page.slice(0, 200)}`);
  return performance.now() - began;
};

/** Looks at all pages, one after the other, until the load is over. */
const lookOn = async (url: string, load: Promise<unknown>): Promise<Map<string, number[]>> => {
  const times = new Map<string, number[]>();
  let isOver = false;
  const over = load.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const [name, path] of Object.entries(PAGES)) {
      await sleep(PAUSE_MS);
      const ms = await look(url + path);
      times.set(name, [...(times.get(name) ?? []), ms]);
    }
  }
  await over;
  return times;
};

const mostMs = (page: string, rows: number): number =>
  rows > 100_000 ? 1_000 : page.startsWith('overview') ? 500 : 200;

const measure = async (name: string, rows: number, kept: Kept, quick: boolean): Promise<Row[]> => {
  const emulator = await startEmulator();
  const generator: Generator = startGenerator();
  const service = await startService(emulator.url, kept, { OPS_TOKEN });
  try {
    const first = await look(service.url + OVERVIEW);
    const target = { url: service.url, form: 'json', answer: await expectedAnswer() } as const;
    const visitors = visitorsOf(200, 'calm');
    const job = { how: 'open', target, visitors, rate: RATE, forMs: quick ? 4_000 : 10_000 } as const;
    await generator.run({ how: 'warm', target, visitors });
    await generator.run({ ...job, forMs: 2_000 });
    const alone = await generator.run(job);
    const load = generator.run(job);
    const times = await lookOn(service.url, load);
    const p99 = [alone, await load].map(({ totals }) => percentile(totals, 0.99));
    const what = (text: string) => `ops: ${text}, ${rows.toLocaleString('en')} exchanges, ${name}`;
    return [
      ...[...times].map(([page, ms]): Row => {
        const most = mostMs(page, rows);
        return {
          what: what(page),
          measured: `p50 ${milliseconds(median(ms))}, max ${milliseconds(Math.max(...ms))} of ${ms.length}`,
          baseline: '—',
          target: `p50 at most ${most} ms`,
          ok: median(ms) <= most,
        };
      }),
      {
        what: what('the first overview after a start'),
        measured: milliseconds(first),
        baseline: '—',
        target: '',
      },
      {
        what: what(`${RATE} messages a second, p99, while operators look`),
        measured: milliseconds(p99[1] ?? Number.NaN),
        baseline: `${milliseconds(p99[0] ?? Number.NaN)} (nobody looks)`,
        target: '',
      },
    ];
  } finally {
    await Promise.all([generator, service, emulator].map((each) => each.stop()));
  }
};

const onSqlite = async (rows: number, quick: boolean): Promise<Row[]> => {
  const dataDir = temporaryFolder();
  try {
    await timed(`filling SQLite with ${rows}`, fillFolder(dataDir, rows));
    return await measure('SQLite', rows, { dataDir }, quick);
  } finally {
    removeFolder(dataDir);
  }
};

const onPostgres = async (sizes: readonly number[], quick: boolean): Promise<Row[]> => {
  const server = await startDatabase();
  try {
    const found: Row[] = [];
    for (const rows of sizes) {
      const databaseUrl = await timed(`filling Postgres with ${rows}`, filledDatabase(server, rows));
      found.push(...(await measure('Postgres', rows, { databaseUrl }, quick)));
    }
    return found;
  } finally {
    await server.dispose();
  }
};

/** Says on stderr how long something took that is not measured. */
const timed = async <T>(what: string, work: Promise<T>): Promise<T> => {
  const began = performance.now();
  const result = await work;
  console.error(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
};

export const ops: Bench = async ({ quick }) => {
  const sizes = quick ? [20_000] : [100_000, 1_000_000];
  const found: Row[] = [];
  for (const rows of sizes) found.push(...(await onSqlite(rows, quick)));
  return [...found, ...(await onPostgres(sizes, quick))];
};
