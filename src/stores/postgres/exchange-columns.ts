import type postgres from 'postgres';
import type { Sql } from './driver.ts';

/** The columns of tp_exchanges that an exchange is made of. */
export const exchangeColumns = (sql: Sql): postgres.PendingQuery<postgres.Row[]> => sql`
  id, visitor, said, answer, error, truncated, tokens_in, tokens_out, at, name, sources, rating, comment, flagged,
  backend, model, queued_ms, first_word_ms, total_ms, tools, unanswered`;
