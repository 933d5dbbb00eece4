import { z } from 'zod';
import { visitorKey } from '../../../chat/model.ts';
import type { DayUse, OpsCounts, Use } from '../../../ops/ops-port.ts';
import type { Database } from '../database.ts';

/** The owner of the whole site's use. */
const SITE = '';
/** Seconds that share a row of refused calls. */
const QUARTER = 15 * 60;

const useRow = z.object({ owner: z.string(), tokens: z.number(), cost: z.number() });
const NOTHING: Use = { tokens: 0, cost: 0 };

/** What was used, and refused, by day and by quarter of an hour. */
export const createOpsCounts = ({ database }: { database: Database }): OpsCounts => {
  const dayUseOf = (rows: readonly unknown[], owner: string): DayUse => {
    const uses = new Map(
      z
        .array(useRow)
        .parse([...rows])
        .map((row) => [row.owner, { tokens: row.tokens, cost: row.cost }]),
    );
    return { site: uses.get(SITE) ?? NOTHING, visitor: uses.get(owner) ?? NOTHING };
  };

  return {
    async addUse(day, visitor, { tokens, cost }) {
      const owner = visitorKey(visitor);
      // No disk is waited for: the site's row would be locked until then, and all turns would wait for each other.
      const rows = await database.ask(
        (sql) => sql`
          with fast as (select set_config('synchronous_commit', 'off', true) as done)
          insert into tp_use as u (day, owner, tokens, cost)
          select ${day}, owner, ${tokens}::float8, ${cost}::float8
          from fast, (values (${SITE}), (${owner})) as o(owner) where done = 'off'
          -- In one order, so that two processes never wait for each other.
          order by owner
          on conflict (day, owner) do update set tokens = u.tokens + excluded.tokens, cost = u.cost + excluded.cost
          returning owner, tokens, cost`,
      );
      return dayUseOf(rows, owner);
    },
    async dayUse(day, visitor) {
      const owner = visitorKey(visitor);
      const rows = await database.ask(
        (sql) =>
          sql`select owner, tokens, cost from tp_use where day = ${day} and owner in (${SITE}, ${owner})`,
      );
      return dayUseOf(rows, owner);
    },
    async addRefused(at, counts) {
      const records = Object.entries(counts).map(([code, count]) => ({ code, count }));
      if (records.length === 0) return;
      await database.ask(
        (sql) => sql`
          insert into tp_refused as r (at, code, count)
          select ${Math.floor(at / QUARTER) * QUARTER}::float8, code, count
          from json_to_recordset(${JSON.stringify(records)}::text::json) as refused(code text, count bigint)
          order by code collate "C"
          on conflict (at, code) do update set count = r.count + excluded.count`,
      );
    },
  };
};
