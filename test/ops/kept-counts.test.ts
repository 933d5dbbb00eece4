import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore } from '../stores/sqlite/helper.ts';

const START = 1_772_323_200;
const QUARTER = 900;
/** More than a step counts, and more quarters than a step counts again. */
const [EXCHANGES, QUARTERS] = [12_000, 150];

const countedRow = z.object({ seq: z.number(), quarters: z.number() });

/** Up to which exchange the database's figures go, and how many quarters have some. */
const counted = (dir: string): z.infer<typeof countedRow> => {
  const db = new DatabaseSync(path.join(dir, 'thread-proxy.db'), { readOnly: true });
  try {
    return countedRow.parse(
      db.prepare('SELECT seq, (SELECT count(*) FROM ops_quarters) AS quarters FROM ops_counted').get(),
    );
  } finally {
    db.close();
  }
};

it('an overview of many exchanges is counted once, and what is erased is taken out of it', async () => {
  const dir = await temporaryFolder();
  const edges = [START, START + (QUARTERS / 2) * QUARTER, START + QUARTERS * QUARTER];
  const store = await openStore(dir);
  const ops = await openSqliteOps(store);
  for (let n = 0; n < EXCHANGES; n += 500) {
    await store.add(
      Array.from({ length: 500 }, (_, index) => {
        const at = START + ((n + index) % QUARTERS) * QUARTER;
        return {
          row: {
            id: `id-${n + index}`,
            visitor: `u:${(n + index) % 7}`,
            user: 'Hi',
            bot: 'Yes',
            timestamp: at,
          },
        };
      }),
    );
  }
  const messages = async () => (await ops.overview(edges)).buckets.map((bucket) => bucket.messages);
  expect(await messages()).toEqual([EXCHANGES / 2, EXCHANGES / 2]);
  expect(counted(dir)).toEqual({ seq: EXCHANGES, quarters: QUARTERS });
  expect((await ops.overview(edges)).total.visitors).toBe(7);
  // All but those of the last quarter of an hour.
  while ((await ops.eraseOlder(START + (QUARTERS - 1) * QUARTER, 1_000)) > 0);
  expect(await messages()).toEqual([0, EXCHANGES / QUARTERS]);
  expect(counted(dir).quarters).toBe(1);
  ops.stop();
});
