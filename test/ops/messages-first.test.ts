import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { exchange, user } from '../helpers/exchanges.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore } from '../stores/sqlite/helper.ts';

/** How many threads of this process have each niceness; a higher one is a lower priority. */
const threadsByNiceness = async (): Promise<Map<number, number>> => {
  const counts = new Map<number, number>();
  for (const thread of await readdir('/proc/self/task')) {
    const stat = await readFile(`/proc/self/task/${thread}/stat`, 'utf8').catch(() => '');
    // Its own name, in brackets, may have spaces.
    const niceness = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    counts.set(niceness, (counts.get(niceness) ?? 0) + 1);
  }
  return counts;
};

describe('messages while operators search, on SQLite', () => {
  it.runIf(process.platform === 'linux')(
    'have more of the processor: the search alone has a low priority',
    async () => {
      const before = await threadsByNiceness();
      const store = await openStore(await temporaryFolder());
      const ops = await openSqliteOps(store);
      await store.finish(exchange(user('ada')));
      await ops.conversations({ words: ['hello'] }, { limit: 1 });
      const after = await threadsByNiceness();
      const added = [...after].filter(([niceness, count]) => count > (before.get(niceness) ?? 0));
      const usual = Math.min(...after.keys());
      expect(added.filter(([niceness]) => niceness > usual)).toEqual([[usual + 5, 1]]);
      ops.stop();
      await store.close();
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
