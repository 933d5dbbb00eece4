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

/** The condition that the text of an exchange, `alias`, has a word. */
type WordSearch = (sql: Sql, alias: string, word: string) => Fragment;

/** A third faster than `like`. Byte by byte: the texts are folded already. */
export const wordsByReading: WordSearch = (sql, alias, word) =>
  sql`strpos(${sql(alias)}.folded collate "C", ${word}) > 0`;

/** What the index of words can answer: it knows of no fewer than three letters or digits in a row. */
export const wordsByIndex: WordSearch = (sql, alias, word) =>
  /[\p{L}\p{N}]{3}/u.test(word)
    ? sql`${sql(alias)}.folded like ${anywhere(word)}`
    : wordsByReading(sql, alias, word);

/** The conditions that an exchange, `alias`, must meet to fit the filter. */
export const filterConditions = (
  sql: Sql,
  filter: ExchangeFilter,
  alias: string,
  search: WordSearch = wordsByReading,
): Fragment => {
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
  for (const word of words) conditions.push(search(sql, alias, word));
  return allOf(sql, conditions);
};
