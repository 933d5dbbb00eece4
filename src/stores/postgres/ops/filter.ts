import type postgres from 'postgres';
import { visitorKey } from '../../../chat/model.ts';
import type { ExchangeFilter } from '../../../ops/ops-port.ts';
import type { Sql } from '../driver.ts';

/** A piece of a statement. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Whose an exchange is: a visitorKey(), also where it is nobody's. As the index tp_exchanges_by_owner has it. */
export const ownerOf = (sql: Sql, alias: string): Fragment => sql`coalesce(${sql(alias)}.visitor, 'a:')`;

/** A pattern for `like` that finds the text anywhere. */
const anywhere = (text: string): string => `%${text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;

/** Conditions that must all hold. */
export const allOf = (sql: Sql, conditions: readonly Fragment[]): Fragment =>
  conditions.reduce((all, one) => sql`${all} and ${one}`, sql`true`);

/** The conditions that an exchange, `alias`, must meet to fit the filter. */
export const filterConditions = (sql: Sql, filter: ExchangeFilter, alias: string): Fragment => {
  const { from, to, words = [], visitor, who, kind, failed, rating, unanswered, flagged, backend } = filter;
  const e = sql(alias);
  const owner = ownerOf(sql, alias);
  const conditions: Fragment[] = [];
  if (from !== undefined) conditions.push(sql`${e}.at >= ${from}::float8`);
  if (to !== undefined) conditions.push(sql`${e}.at < ${to}::float8`);
  if (visitor) conditions.push(sql`${owner} = ${visitorKey(visitor)}`);
  if (kind) conditions.push(sql`${owner} like ${`${kind.slice(0, 1)}:%`}`);
  if (who !== undefined) {
    const pattern = anywhere(who.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()));
    conditions.push(sql`${owner} in (
      select key from tp_visitors
      where lower(substr(key, 3) collate "C") like ${pattern} or lower(name collate "C") like ${pattern})`);
  }
  // Written out, as the conditions of the partial indexes are.
  if (failed === true) conditions.push(sql`${e}.error is not null`);
  else if (failed) {
    const codes = JSON.stringify(failed);
    conditions.push(
      sql`${e}.error is not null and ${e}.error in (select json_array_elements_text(${codes}::text::json))`,
    );
  }
  if (rating) conditions.push(sql`${e}.rating is not null and ${e}.rating = ${rating}`);
  if (unanswered) conditions.push(sql`${e}.unanswered`);
  if (flagged) conditions.push(sql`${e}.flagged is not null`);
  if (backend !== undefined) conditions.push(sql`${e}.backend = ${backend}`);
  // A third faster than `like`. Byte by byte: the texts are folded already.
  for (const word of words) conditions.push(sql`strpos(${e}.folded collate "C", ${word}) > 0`);
  return allOf(sql, conditions);
};
