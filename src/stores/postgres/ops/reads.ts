import { z } from 'zod';
import { visitorKey } from '../../../chat/model.ts';
import type { Clock, Logger } from '../../../chat/ports.ts';
import {
  type ConversationRow,
  type ExchangeFilter,
  NOBODY,
  type OpsExchange,
  type OpsReads,
} from '../../../ops/ops-port.ts';
import { cursorOf, type PageReading, pageReading } from '../../../ops/paging.ts';
import type { Database } from '../database.ts';
import type { Sql } from '../driver.ts';
import { exchangeColumns } from '../exchange-columns.ts';
import { exchangeOf, exchangeRow } from '../rows.ts';
import { allOf, type Fragment, filterConditions, ownerOf, wordsByIndex, wordsByReading } from './filter.ts';
import { createOverview } from './overview.ts';
import type { WordIndex } from './word-index.ts';

/** Characters of a first message that the list shows. */
const FIRST_CHARS = 200;

const opsRow = exchangeRow.extend({
  seq: z.number(),
  visitor: z.string().nullable(),
  cleared: z.boolean(),
});

const opsExchangeOf = (row: unknown): OpsExchange => {
  const { seq, visitor, cleared, ...rest } = opsRow.parse(row);
  const exchange = exchangeOf({ ...rest, visitor: visitor ?? visitorKey(NOBODY) });
  return { ...exchange, cursor: cursorOf({ at: rest.at, seq }), ...(cleared && { cleared: true }) };
};

const summaryRow = z.object({
  owner: z.string(),
  name: z.string().nullable(),
  first_words: z.string().nullable(),
  exchanges: z.number(),
  failed: z.number(),
  up: z.number(),
  down: z.number(),
  flagged: z.number(),
  unanswered: z.number(),
  last_seen: z.number(),
});
const backendRow = z.object({ backend: z.string() });
const seqRow = z.object({ seq: z.number() });

/** Milliseconds of a search after which operators are told of the index. */
const SLOW_MS = 1_000;
/** Exchanges that fit are listed where there are no more of them than this. */
const RARE = 2_000;

const opsColumns = (sql: Sql) => sql`seq, ${exchangeColumns(sql)}, cleared`;

/** The conditions of a page's rows, and the order in which they are read. */
const pageRows = (sql: Sql, fitting: Fragment, { from, isDescending, limit }: PageReading) => {
  const conditions = [fitting];
  if (from !== undefined) {
    const [at, seq] = [sql`${from.at}::float8`, sql`${from.seq}::bigint`];
    conditions.push(
      isDescending ? sql`(e.at, e.seq) < (${at}, ${seq})` : sql`(e.at, e.seq) > (${at}, ${seq})`,
    );
  }
  return {
    condition: allOf(sql, conditions),
    tail: isDescending
      ? sql`order by e.at desc, e.seq desc limit ${limit}`
      : sql`order by e.at, e.seq limit ${limit}`,
  };
};

/** The newest of each thread among the few that fit. */
const headsAmong = (sql: Sql, fitting: Fragment, reading: PageReading) => {
  const { condition, tail } = pageRows(sql, sql`true`, reading);
  return sql`
    select * from (
      select distinct on (${ownerOf(sql, 'e')}) ${opsColumns(sql)} from tp_exchanges e where ${fitting}
      order by ${ownerOf(sql, 'e')}, at desc, seq desc
    ) e
    where ${condition}
    ${tail}`;
};

/** What operators read, over connections of its own: however long it takes, no message waits for it. */
export const createOpsReads = (deps: {
  database: Database;
  wordIndex: Pick<WordIndex, 'isReady'>;
  clock: Clock;
  logger: Logger;
}): OpsReads => {
  const { database, wordIndex, clock, logger } = deps;
  let isTold = false;
  /** What is told of whole threads, by their owners. */
  const summaries = async (owners: readonly string[]): Promise<Map<string, z.infer<typeof summaryRow>>> => {
    const rows = await database.ask(
      (sql) => sql`
        select k.owner, v.name, s.*,
          (select left(said, ${FIRST_CHARS}::integer) from tp_exchanges e where ${ownerOf(sql, 'e')} = k.owner
            order by at, seq limit 1) as first_words
        from json_array_elements_text(${JSON.stringify(owners)}::text::json) as k(owner)
        left join tp_visitors v on v.key = k.owner
        cross join lateral (
          select count(*) as exchanges, count(error) as failed, count(*) filter (where rating = 'up') as up,
            count(*) filter (where rating = 'down') as down, count(flagged) as flagged,
            count(*) filter (where unanswered) as unanswered, coalesce(max(at), 0) as last_seen
          from tp_exchanges e where ${ownerOf(sql, 'e')} = k.owner
        ) s`,
    );
    return new Map(rows.map((row) => [summaryRow.parse(row).owner, summaryRow.parse(row)]));
  };

  const conversationOf = (
    match: OpsExchange,
    summary: z.infer<typeof summaryRow> | undefined,
  ): ConversationRow => {
    const { name = null, first_words: firstWords = null, last_seen: lastSeen = 0 } = summary ?? {};
    const { exchanges = 0, failed = 0, up = 0, down = 0, flagged = 0, unanswered = 0 } = summary ?? {};
    return {
      visitor: match.visitor,
      ...(name !== null && { name }),
      firstWords: firstWords ?? '',
      ...{ exchanges, failed, up, down, flagged, unanswered, lastSeen, match },
      cursor: match.cursor,
    };
  };

  /**
   * All that fit, as JSON, where words are searched that are rare: an index of words, or a look at all texts, is several
   * times faster than a look in the order of the list. Undefined where they are common: a page of those is soon full.
   */
  const rareSeqs = async (filter: ExchangeFilter): Promise<string | undefined> => {
    if (!filter.words?.length) return undefined;
    const isIndexed = await wordIndex.isReady();
    const search = isIndexed ? wordsByIndex : wordsByReading;
    const began = performance.now();
    const rows = await database.ask(
      (sql) =>
        sql`select seq from tp_exchanges e where ${filterConditions(sql, filter, 'e', search)} limit ${RARE + 1}`,
    );
    const ms = Math.round(performance.now() - began);
    if (!isIndexed && !isTold && ms > SLOW_MS) {
      isTold = true;
      logger.info({ ms }, 'a search has read all texts: docs/scale.md tells how to make an index for it');
    }
    return rows.length > RARE ? undefined : JSON.stringify(rows.map((row) => seqRow.parse(row).seq));
  };
  const among = (sql: Sql, seqs: string) =>
    sql`e.seq in (select json_array_elements_text(${seqs}::text::json)::bigint)`;

  return {
    async exchanges(filter, page) {
      const reading = pageReading(page);
      const rare = await rareSeqs(filter);
      const rows = await database.ask((sql) => {
        const fitting = rare === undefined ? filterConditions(sql, filter, 'e') : among(sql, rare);
        const { condition, tail } = pageRows(sql, fitting, reading);
        return sql`
          select ${opsColumns(sql)} from tp_exchanges e
          where ${condition}
          ${tail}`;
      });
      return reading.page(rows.map(opsExchangeOf));
    },
    async conversations(filter, page) {
      const reading = pageReading(page);
      const rare = await rareSeqs(filter);
      const rows = await database.ask((sql) => {
        if (rare !== undefined) return headsAmong(sql, among(sql, rare), reading);
        const { condition, tail } = pageRows(sql, filterConditions(sql, filter, 'e'), reading);
        return sql`
          select ${opsColumns(sql)} from tp_exchanges e
          where ${condition}
            -- The newest of its thread that fits.
            and not exists (
              select from tp_exchanges n
              where ${ownerOf(sql, 'n')} = ${ownerOf(sql, 'e')} and (n.at, n.seq) > (e.at, e.seq)
                and ${filterConditions(sql, filter, 'n')})
          ${tail}`;
      });
      const { rows: matches, ...rest } = reading.page(rows.map(opsExchangeOf));
      const of = await summaries(matches.map(({ visitor }) => visitorKey(visitor)));
      return {
        ...rest,
        rows: matches.map((match) => conversationOf(match, of.get(visitorKey(match.visitor)))),
      };
    },
    async opsExchange(id) {
      const rows = await database.ask(
        (sql) => sql`select ${opsColumns(sql)} from tp_exchanges where id = ${id}`,
      );
      return rows[0] && opsExchangeOf(rows[0]);
    },
    overview: createOverview({ database, clock }),
    async backends() {
      // From name to name along the index: as many steps as there are names.
      const rows = await database.ask(
        (sql) => sql`
          with recursive names as (
            (select backend from tp_exchanges where backend is not null order by backend limit 1)
            union all
            select (select e.backend from tp_exchanges e where e.backend > names.backend order by e.backend limit 1)
            from names where names.backend is not null
          )
          select backend from names where backend is not null`,
      );
      return rows.map((row) => backendRow.parse(row).backend);
    },
  };
};
