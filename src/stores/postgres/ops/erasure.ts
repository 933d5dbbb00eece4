import { z } from 'zod';
import { visitorKey, visitorOf } from '../../../chat/model.ts';
import type { AuditLine, Erasure, ErasureStore } from '../../../ops/erasure-port.ts';
import { quoted } from '../connection-settings.ts';
import type { Database } from '../database.ts';
import type { Sql } from '../driver.ts';
import { storable, threadOf, threadRow } from '../rows.ts';
import type { ThreadsAndFacts } from '../threads-and-facts.ts';
import { ownerOf } from './filter.ts';

/** The tables that hold what visitors wrote, or who they are. */
const SCRUBBED = [
  'tp_exchanges',
  'tp_visitors',
  'tp_taken',
  'tp_keys',
  'tp_outbox',
  'tp_use',
  'tp_erasures',
  'tp_spans',
  'tp_span_visitors',
];

const erasureRow = threadRow.extend({
  visitor: z.string(),
  at: z.number(),
  by: z.string(),
  erased: z.number(),
});
const countRow = z.object({ count: z.number() });
const auditRow = z.object({
  at: z.number(),
  by: z.string(),
  action: z.enum(['erase_visitor', 'retention', 'export', 'sign_in', 'thread_not_deleted']),
  count: z.number(),
  subject: z.string().nullable(),
});

const erasureOf = (row: unknown): Erasure => {
  const { visitor, at, by, erased, ...rest } = erasureRow.parse(row);
  const thread = threadOf(rest);
  return { visitor: visitorOf(visitor), at, by, erased, ...(thread && { thread }) };
};

const insertAudit = (sql: Sql, { at, by, action, count, subject }: AuditLine) => sql`
  insert into tp_audit (at, by, action, count, subject)
  values (${at}::float8, ${by}, ${action}, ${count}::bigint, ${subject ?? null}::text)`;

/** Erases visitors, and what is too old. */
export const createErasureStore = (deps: {
  database: Database;
  /** The schema of the tables. */
  schema: string;
  threads: Pick<ThreadsAndFacts, 'pendingThread' | 'drop'>;
}): ErasureStore => {
  const { database, schema, threads } = deps;

  /** Makes the space of removed rows free, for others to be written over them; nothing reads them any more. */
  const vacuum = async (): Promise<void> => {
    const tables = SCRUBBED.map((table) => `${quoted(schema)}.${table}`);
    await database.maintain(`vacuum ${tables.join(', ')}`);
  };

  return {
    async beginErasure({ visitor, at, by }) {
      const key = visitorKey(visitor);
      const pending = threads.pendingThread(key);
      await threads.drop(key);
      const rows = await database.ask(
        (sql) => sql`
          with was as (
            select thread_id, thread_made_by from tp_visitors where key = ${key} for update
          ), gone as (
            -- What still runs, in whichever process, is not logged any more.
            update tp_visitors v set cleared = next, dropped = next, thread_id = null, thread_made_by = null
            from was where v.key = ${key}
          )
          insert into tp_erasures as e (visitor, at, by, thread_id, thread_made_by)
          values (${key}, ${at}::float8, ${by},
            coalesce(${pending?.thread?.id ?? null}::text, (select thread_id from was)),
            coalesce(${pending?.thread?.madeBy ?? null}::text, (select thread_made_by from was)))
          on conflict (visitor) do update set
            thread_id = coalesce(e.thread_id, excluded.thread_id),
            thread_made_by = coalesce(e.thread_made_by, excluded.thread_made_by)
          returning *`,
      );
      return erasureOf(rows[0]);
    },
    async openErasures() {
      const rows = await database.ask((sql) => sql`select * from tp_erasures order by at, visitor`);
      return rows.map(erasureOf);
    },
    async eraseSome(visitor, limit) {
      const key = visitorKey(visitor);
      const rows = await database.ask(
        (sql) => sql`
          with these as (
            select seq from tp_exchanges e where ${ownerOf(sql, 'e')} = ${key} order by at, seq limit ${limit}
          ), gone as (
            delete from tp_exchanges e using these where e.seq = these.seq returning e.id, e.cleared
          ), keys as (
            delete from tp_keys k using gone where k.id = gone.id
          ), less as (
            update tp_visitors set
              messages = greatest(0, messages - (select count(*) from gone where not cleared))
            where key = ${key}
          ), noted as (
            update tp_erasures set erased = erased + (select count(*) from gone) where visitor = ${key}
          )
          select count(*) as count from gone`,
      );
      return countRow.parse(rows[0]).count;
    },
    async scrub(visitor) {
      const key = visitorKey(visitor);
      await threads.drop(key);
      await database.ask(
        (sql) => sql`
          with visitor as (
            delete from tp_visitors where key = ${key} and waiting = 0
          ), nameless as (
            -- A message is still being answered: its place in the queue must stay known.
            update tp_visitors set name = null, messages = 0, last_seen = null, thread_id = null, thread_made_by = null,
              cleared = next, dropped = next
            where key = ${key} and waiting > 0
          ), undone as (
            delete from tp_taken where visitor = ${key} and undone is not null
          ), use as (
            delete from tp_use where owner = ${key}
          )
          delete from tp_outbox where visitor = ${key}`,
      );
      await vacuum();
    },
    async threadDeleted(visitor) {
      await database.ask(
        (sql) => sql`
          update tp_erasures set thread_id = null, thread_made_by = null where visitor = ${visitorKey(visitor)}`,
      );
    },
    async endErasure(visitor, audit) {
      await database.ask(
        (sql) => sql`
          with over as (delete from tp_erasures where visitor = ${visitorKey(visitor)} returning visitor)
          insert into tp_audit (at, by, action, count, subject)
          select ${audit.at}::float8, ${audit.by}, ${audit.action}, ${audit.count}::bigint,
            ${audit.subject ?? null}::text
          -- Repeated, it leaves one line.
          from over`,
      );
      await database.maintain(`vacuum ${quoted(schema)}.tp_erasures`);
    },
    async eraseOlder(before, limit) {
      const rows = await database.ask(
        (sql) => sql`
          with old as (
            select seq from tp_exchanges where at < ${before}::float8 order by at, seq limit ${limit}
          ), gone as (
            delete from tp_exchanges e using old where e.seq = old.seq returning e.id, e.visitor, e.cleared
          ), keys as (
            delete from tp_keys k using gone where k.id = gone.id
          ), sums as (
            select visitor, count(*) filter (where not cleared) as messages
            from gone where visitor is not null group by visitor
          ), less as (
            update tp_visitors v set messages = greatest(0, v.messages - sums.messages) from sums
            where v.key = sums.visitor
          )
          select count(*) as count from gone`,
      );
      return countRow.parse(rows[0]).count;
    },
    async scrubOld() {
      // Of whom nothing is left but what was kept of them.
      await database.ask(
        (sql) => sql`
          delete from tp_visitors v where messages = 0 and waiting = 0 and last_seen is not null
            and not exists (select from tp_exchanges e where ${ownerOf(sql, 'e')} = v.key)`,
      );
      await vacuum();
    },
    async audit(line) {
      await database.ask((sql) => insertAudit(sql, { ...line, by: storable(line.by) }));
    },
    async auditLog(limit) {
      const rows = await database.ask(
        (sql) =>
          sql`select at, by, action, count, subject from tp_audit order by at desc, seq desc limit ${limit}`,
      );
      return rows.map((row) => {
        const { subject, ...rest } = auditRow.parse(row);
        return { ...rest, ...(subject !== null && { subject }) };
      });
    },
  };
};
