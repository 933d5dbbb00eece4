import { z } from 'zod';
import type { Logger } from '../../../chat/ports.ts';
import type { LogRow } from '../../../log-file/log-row.ts';
import type { Batch, MovedFacts } from '../../../log-file/moving-store.ts';
import { readConnectionSettings } from '../connection-settings.ts';
import { connect, type Database } from '../database.ts';
import type { Sql } from '../driver.ts';
import { exchangeColumns } from '../exchange-columns.ts';
import { asUnavailable } from '../failures.ts';
import { makeWordIndex } from '../ops/word-index.ts';
import { exchangeOf, exchangeRow } from '../rows.ts';
import { prepare } from '../starting.ts';
import { defaultTuning } from '../tuning.ts';
import { isInUse } from './in-use.ts';
import { insertBatch } from './insert-batch.ts';
import { readFacts } from './read-facts.ts';
import { createTransferIn, settle, type TransferIn } from './transfer-in.ts';

/** A Postgres store as `move` and `export` see it: read and filled in bulk, with no server on it. */
export interface MovingStore extends TransferIn {
  /** Why servers refuse this store: the note of a move that is in progress, or was interrupted. */
  note(): Promise<string | undefined>;
  /** Makes servers refuse the store with this note, until `complete`. */
  begin(note: string): Promise<void>;
  /** How far a move had come when its last batch was written, as `add` was told. */
  position(): Promise<string | undefined>;
  /** Writes a batch, and how far the move has come with it, both or neither. */
  add(batch: Batch, position: string): Promise<void>;
  /** Makes the store ready for servers: sums up its visitors, and lets servers in. */
  complete(): Promise<void>;
  /** Rows in the store, by what they are. */
  counts(): Promise<Record<'exchanges' | 'accepted' | keyof MovedFacts, number>>;
  /** Messages that were accepted and never finished, as the failed exchanges that a server would log them as. */
  unfinished(): Promise<LogRow[]>;
  /** Which database: host, port and name, and the schema where it was named. */
  readonly place: string;
  /** Whether a server sends a heartbeat within `ms` milliseconds. */
  isInUse(ms: number): Promise<boolean>;
  /** All exchanges in the order in which they were logged, those that are there now. */
  exchanges(): AsyncIterable<LogRow[]>;
  /** All that is kept beside, as it was at one moment. */
  facts(): Promise<MovedFacts>;
  close(): Promise<void>;
}

/** Exchanges that are read at once. */
const PAGE = 1000;

const movedRow = exchangeRow.extend({
  visitor: z.string().nullable(),
  cleared: z.boolean(),
  more: z.string().nullable(),
});
const valueRow = z.object({ value: z.string() });
const countsRow = z.object({
  exchanges: z.number(),
  accepted: z.number(),
  threads: z.number(),
  keys: z.number(),
  verified: z.number(),
  ended: z.number(),
  facts: z.number(),
  days: z.number(),
});

/** The exchange of a row of tp_exchanges. */
export const movedOf = (row: unknown): LogRow => {
  const { visitor, cleared, more, ...rest } = movedRow.parse(row);
  const { visitor: _, key: __, ...exchange } = exchangeOf({ ...rest, visitor: visitor ?? '' });
  return { ...exchange, visitor, ...(cleared && { cleared: true }), ...(more !== null && { more }) };
};

/** @throws Error as openPostgresStore() does, but not because a move is under way. */
export const openMovingStore = async (deps: {
  url: string;
  schema?: string | undefined;
  wait: number;
  logger: Logger;
}): Promise<MovingStore> => {
  const { wait, logger } = deps;
  const { settings, schema, isNamed } = await prepare({
    ...{ schema: deps.schema, wait, logger, tuning: defaultTuning, isMover: true },
    settings: await readConnectionSettings(deps.url),
  });
  // Nobody waits for a visitor here: statements may take what they need.
  const hour = 60 * 60_000;
  const tuning = { ...defaultTuning, connections: 2, statementMs: 0, silenceMs: hour };
  const database: Database = connect({ settings, tuning, logger });
  const ask = <T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T> =>
    database.try(statement).catch((thrown: unknown) => {
      throw asUnavailable(thrown);
    });
  const meta = async (name: string): Promise<string | undefined> => {
    const rows = await ask((sql) => sql`select value from tp_meta where name = ${name}`);
    return rows[0] && valueRow.parse(rows[0]).value;
  };

  const inTransaction = (work: (sql: Sql) => Promise<void>): Promise<void> =>
    database.transaction(work).catch((thrown: unknown) => {
      throw asUnavailable(thrown);
    });

  return {
    place: isNamed ? `${settings.name}?search_path=${encodeURIComponent(schema)}` : settings.name,
    ...createTransferIn({ ask, inTransaction }),
    note: () => meta('moving'),
    position: () => meta('moved'),
    begin: async (note) => {
      await ask(
        (sql) => sql`
          insert into tp_meta (name, value) values ('moving', ${note})
          on conflict (name) do update set value = excluded.value`,
      );
    },
    add: async (batch, position) => {
      await inTransaction((own) => insertBatch(own, batch, position));
    },
    complete: async () => {
      // Made with each batch it would take half as long again as the rows do.
      await ask((sql) => sql.unsafe(makeWordIndex(2 ** 31 - 2)));
      await inTransaction(async (own) => {
        await settle(own);
        await own`
            insert into tp_visitors (key, messages, last_seen, name)
            select visitor, count(*), (array_agg(at order by seq desc))[1],
              (array_agg(name order by seq desc) filter (where name is not null))[1]
            from tp_exchanges where visitor is not null and not cleared group by visitor
            on conflict (key) do update set
              messages = excluded.messages, last_seen = excluded.last_seen, name = excluded.name`;
        await own`delete from tp_meta where name in ('moving', 'moved')`;
      });
      // Until the next automatic analyze the planner would plan for empty tables.
      await ask((sql) => sql`analyze tp_exchanges, tp_visitors`);
    },
    counts: async () => {
      const rows = await ask(
        (sql) => sql`
          select (select count(*) from tp_exchanges) as exchanges,
            (select count(*) from tp_taken where undone is null) as accepted,
            (select count(*) from tp_visitors where thread_id is not null) as threads,
            (select count(*) from tp_keys) as keys, (select count(*) from tp_vouched) as verified,
            (select count(*) from tp_ended) as ended, (select count(*) from tp_facts) as facts,
            (select count(*) from tp_days) as days`,
      );
      return countsRow.parse(rows[0]);
    },
    isInUse: (ms) => isInUse(ask, ms),
    async *exchanges() {
      let after = 0;
      // Taken first: what is logged meanwhile is not read, and its numbers may come out of order.
      const rows = await ask((sql) => sql`select coalesce(max(seq), 0) as seq from tp_exchanges`);
      const last = z.object({ seq: z.number() }).parse(rows[0]).seq;
      while (after < last) {
        const page = await ask(
          (sql) => sql`
            select seq, ${exchangeColumns(sql)}, cleared, more from tp_exchanges where seq > ${after} and seq <= ${last} order by seq limit ${PAGE}`,
        );
        if (page.length === 0) return;
        after = z.object({ seq: z.number() }).parse(page.at(-1)).seq;
        yield page.map(movedOf);
      }
    },
    unfinished: async () => {
      const rows = await ask(
        (sql) => sql`
          select t.id, t.visitor, t.said, t.at, t.name, t.place <= coalesce(v.cleared, 0) as cleared, none.*
          from tp_taken t left join tp_visitors v on v.key = t.visitor
          cross join json_to_record('{"error":"internal_error","truncated":false}') as none(
            answer text, error text, truncated boolean, tokens_in float8, tokens_out float8, more text, sources json,
            rating text, comment text, flagged json, backend text, model text, queued_ms float8, first_word_ms float8,
            total_ms float8, tools json, unanswered boolean)
          where t.undone is null and t.place > coalesce(v.dropped, 0)
          order by t.visitor, t.place`,
      );
      return rows.map(movedOf);
    },
    facts: () =>
      database
        .transaction(readFacts, 'isolation level repeatable read read only')
        .catch((thrown: unknown) => {
          throw asUnavailable(thrown);
        }),
    close: () => database.close(defaultTuning.closeMs),
  };
};
