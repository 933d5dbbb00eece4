import { z } from 'zod';
import { fold } from '../../../ops/fold.ts';
import type { Database } from '../database.ts';

/** Exchanges that one statement makes searchable. */
const AT_ONCE = 500;

const textRow = z.object({ seq: z.number(), said: z.string(), answer: z.string().nullable() });

/** Message and answer as they are searched. */
export const foldedText = (said: string, answer: string | null): string => fold(`${said}\n${answer ?? ''}`);

/** Makes searchable what a release before, or an older log, has left without its folded text. */
export const foldRest = async (database: Database, isStopped: () => boolean): Promise<void> => {
  while (!isStopped()) {
    const rows = await database.try(
      (sql) =>
        sql`select seq, said, answer from tp_exchanges where folded is null order by seq limit ${AT_ONCE}`,
    );
    const texts = z.array(textRow).parse([...rows]);
    if (texts.length === 0) return;
    const records = texts.map(({ seq, said, answer }) => ({ seq, folded: foldedText(said, answer) }));
    await database.try(
      (sql) => sql`
        update tp_exchanges e set folded = f.folded
        from json_to_recordset(${JSON.stringify(records)}::text::json) as f(seq bigint, folded text)
        where e.seq = f.seq`,
    );
  }
};
