import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { startChildService } from '../helpers/child-service.ts';
import { user } from '../helpers/exchanges.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore } from '../stores/sqlite/helper.ts';
import { asOps, OPS_TOKEN } from './helper.ts';

/** The names of a process's threads, by their niceness: a higher one is a lower priority. */
const threadsOf = async (pid: number): Promise<Map<number, Set<string>>> => {
  const threads = new Map<number, Set<string>>();
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
    // One that has ended meanwhile has none.
    if (stat === '') continue;
    const [, name = '', rest = ''] = /\((.*)\) (.*)/s.exec(stat) ?? [];
    const niceness = Number(rest.split(' ')[16]);
    threads.set(niceness, (threads.get(niceness) ?? new Set()).add(name));
  }
  return threads;
};

describe('messages while operators search, on SQLite', () => {
  it.runIf(process.platform === 'linux')(
    'have more of the processor: the threads that search and copy have a low priority, and no other',
    async () => {
      const service = await startChildService({ BACKEND: 'offline', OPS_TOKEN });
      const found = await fetch(`${service.url}/ops/conversations?q=hello`, { headers: asOps });
      expect(found.status).toBe(200);
      const threads = await threadsOf(service.pid);
      const usual = Math.min(...threads.keys());
      expect([...threads.keys()].filter((niceness) => niceness !== usual)).toEqual([usual + 5]);
      expect([...(threads.get(usual + 5) ?? [])]).toEqual(['store reader']);
      expect(threads.get(usual)).toContain('store writer');
    },
  );

  it('do not wait behind it for what is spent today', async () => {
    const store = await openStore(await temporaryFolder());
    const ops = await openSqliteOps(store);
    const rows = Array.from({ length: 2_000 }, (_, n) => ({
      row: {
        id: `id-${n}`,
        visitor: 'u:ada',
        user: 'a'.repeat(4_000),
        bot: `${n}`,
        timestamp: 1_772_323_200 + n,
      },
    }));
    await store.add(rows);
    // Makes all of it searchable.
    await ops.conversations({ words: ['b'] }, { limit: 1 });
    await ops.dayUse('2026-03-01', user('ada'));
    const order: string[] = [];
    const searches = Array.from({ length: 10 }, async () => {
      await ops.exchanges({ words: ['b'] }, { limit: 1 });
      order.push('search');
    });
    // By now the others wait in line.
    await searches[0];
    await ops.dayUse('2026-03-01', user('ada'));
    order.push('use');
    await Promise.all(searches);
    expect(order.indexOf('use')).toBeLessThan(10);
    ops.stop();
    await store.close();
  });
});
