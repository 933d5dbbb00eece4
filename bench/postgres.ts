import { join } from 'node:path';
import { startWorker } from './children.ts';
import { newDatabase, startDatabase, VISITORS } from './database.ts';
import { median, milliseconds, percentile, perSecond } from './figures.ts';
import type { Bench, Row } from './report.ts';

export interface PostgresJob {
  readonly how: 'append' | 'pages' | 'cost';
  readonly samples: number;
  readonly writers: number;
  readonly visitors: number;
}

const WRITERS = 32;
const LEAST_RATIO = 0.8;
const MOST_PAGE_MS = 10;
const MOST_COST_MS = 2;

const startStore = (url: string) => {
  const worker = startWorker(join(import.meta.dirname, 'postgres-child.ts'), [url]);
  const ask = (how: PostgresJob['how'], samples: number): Promise<unknown> =>
    worker.ask({ how, samples, writers: WRITERS, visitors: VISITORS }, 300_000);
  return {
    // Only postgres-child.ts answers.
    append: async (samples: number) => (await ask('append', samples)) as { ms: number; exchanges: number },
    pages: async (samples: number) => (await ask('pages', samples)) as number[],
    cost: async (samples: number) => (await ask('cost', samples)) as { limit: number[]; lease: number[] },
    stop: () => worker.stop(),
  };
};

/** The Postgres store: appends and pages by how many rows there are, and what limit and lease cost a message. */
export const postgres: Bench = async ({ quick }) => {
  const server = await startDatabase();
  try {
    const sizes = quick ? [0, 20_000] : [0, 100_000, 1_000_000];
    const stores = [];
    for (const size of sizes) stores.push({ size, store: startStore(await newDatabase(server, size)) });
    const rates = new Map<number, number[]>(sizes.map((size) => [size, []]));
    const exchanges = quick ? 500 : 4_000;
    for (const { store } of stores) await store.append(exchanges);
    // In turn, so that what else the machine does meets all of them.
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      for (const { size, store } of stores) {
        const { ms } = await store.append(exchanges);
        rates.get(size)?.push((2 * exchanges * 1000) / ms);
      }
    }
    const empty = median(rates.get(0) ?? []);
    const rows: Row[] = [];
    for (const { size, store } of stores) {
      const n = size.toLocaleString('en');
      const ratios = (rates.get(size) ?? []).map((rate, i) => rate / (rates.get(0)?.[i] ?? Number.NaN));
      const ratio = median(ratios);
      const rate = perSecond(median(rates.get(size) ?? []));
      if (size === 0) {
        rows.push({ what: 'Postgres: durable writes, 0 rows', measured: rate, baseline: '—', target: '' });
      } else {
        rows.push({
          what: `Postgres: durable writes, ${n} rows`,
          measured: rate,
          baseline: `${perSecond(empty)} (0 rows)`,
          target: `${ratio.toFixed(2)} / at least ${LEAST_RATIO}`,
          ok: ratio >= LEAST_RATIO,
        });
      }
      const times = await store.pages(quick ? 200 : 2_000);
      const p99 = percentile(times, 0.99);
      rows.push({
        what: `Postgres: a page of the history, ${n} rows`,
        measured: `p50 ${milliseconds(median(times))}, p99 ${milliseconds(p99)}`,
        baseline: '—',
        target: `p99 at most ${MOST_PAGE_MS} ms`,
        ok: p99 <= MOST_PAGE_MS,
      });
    }
    const { limit, lease } = (await stores[0]?.store.cost(quick ? 200 : 2_000)) ?? { limit: [], lease: [] };
    const both = limit.map((ms, i) => ms + (lease[i] ?? 0));
    rows.push({
      what: 'Postgres: limit and place of a message, one at a time',
      measured: `p50 ${milliseconds(median(both))} (limit ${milliseconds(median(limit))}, place ${milliseconds(median(lease))}), p99 ${milliseconds(percentile(both, 0.99))}`,
      baseline: '—',
      target: `p50 about ${MOST_COST_MS} ms`,
      ok: median(both) <= MOST_COST_MS * 1.1,
    });
    for (const { store } of stores) await store.stop();
    return rows;
  } finally {
    await server.dispose();
  }
};
