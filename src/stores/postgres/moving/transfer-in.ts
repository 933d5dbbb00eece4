import { z } from 'zod';
import type { Sql } from '../driver.ts';

/** What a move asks of a database that it fills, beside the rows themselves. */
export interface TransferIn {
  /**
   * Makes servers refuse the store with this note, unless there is a note already.
   * @returns The note that is there now: another one is another move's.
   */
  claim(note: string): Promise<string>;
  /** Takes the note away: nothing was moved. */
  unclaim(): Promise<void>;
  /** Removes what a move has written, so that it can start again. Only for a store that has a note. */
  wipe(): Promise<void>;
}

/** Asks the database. @throws AppError `log_unavailable` */
export type Ask = <T>(statement: (sql: Sql) => PromiseLike<T>) => Promise<T>;

const valueRow = z.object({ value: z.string() });

/**
 * Draws the conclusions from the rows once all are there; to be committed with the note's removal, because the rows
 * are no longer what was moved then.
 *
 * A visitor who clears takes all until then out of the own history. On files, what was in the archive by then is out
 * of it anyway and has no mark: here all is one log, and it must not come back. What came later by time stays: a turn
 * that was cut off before the visitor cleared may have been logged after it.
 *
 * A key whose message has failed, or whose exchange is no longer there, would answer with nothing for a day: it is free.
 */
export const settle = async (sql: Sql): Promise<void> => {
  await sql`
    update tp_exchanges e set cleared = true
    from (
      select visitor, max(seq) as last, max(at) as until from tp_exchanges where cleared group by visitor
    ) c
    where e.visitor = c.visitor and e.seq < c.last and e.at <= c.until and not e.cleared`;
  await sql`
    update tp_keys k set free = true
    where not free and not exists (select from tp_exchanges e where e.id = k.id and e.answer is not null)`;
};

export const createTransferIn = ({
  ask,
  inTransaction,
}: {
  ask: Ask;
  inTransaction: (work: (sql: Sql) => Promise<void>) => Promise<void>;
}): TransferIn => ({
  claim: async (note) => {
    await ask(
      (sql) =>
        sql`insert into tp_meta (name, value) values ('moving', ${note}) on conflict (name) do nothing`,
    );
    const rows = await ask((sql) => sql`select value from tp_meta where name = 'moving'`);
    return rows[0] ? valueRow.parse(rows[0]).value : note;
  },
  unclaim: async () => {
    await ask((sql) => sql`delete from tp_meta where name in ('moving', 'moved')`);
  },
  wipe: async () => {
    await inTransaction(async (own) => {
      await own`delete from tp_meta where name = 'moved'`;
      await own`drop index if exists tp_exchanges_words`;
      await own`truncate tp_exchanges, tp_visitors, tp_keys, tp_vouched, tp_ended, tp_facts, tp_days, tp_spans,
        tp_span_groups, tp_span_visitors`;
    });
  },
});
