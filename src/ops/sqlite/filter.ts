import { type Visitor, visitorKey } from '../../chat/model.ts';
import { type Connection, number } from '../../sqlite/connection.ts';
import { type ExchangeFilter, NOBODY } from '../ops-port.ts';
import { hasWord } from './words.ts';

type Value = string | number | null;

/** SQL with the values that it binds. */
export interface Sql {
  readonly sql: string;
  readonly values: readonly Value[];
}

const isNobody = ({ kind, id }: Visitor): boolean => kind === NOBODY.kind && id === NOBODY.id;

/** No visitor has this number. */
const NO_REF = -1;

/** visitors.ref of a visitor; null for nobody. */
export const refOf = (db: Connection, visitor: Visitor): number | null =>
  isNobody(visitor)
    ? null
    : number(db.get('SELECT ref FROM visitors WHERE key = ?', visitorKey(visitor))?.ref ?? NO_REF);

const KIND_STARTS = { user: 'u', verified: 'v', anonymous: 'a' } as const;

/** ASCII alone, as SQLite's lower() does it. */
const lower = (given: string): string => given.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/**
 * What must hold of an exchange.
 * @param e The alias of its row in exchanges. @param x That of its row in ops_texts, joined where words are searched.
 */
export const conditions = (db: Connection, filter: ExchangeFilter, e: string, x: string): Sql => {
  const parts: Sql[] = [];
  const add = (sql: string, ...values: Value[]): void => void parts.push({ sql, values });
  const { from, to, words = [], visitor, who, kind, failed, rating, unanswered, flagged, backend } = filter;
  if (from !== undefined) add(`${e}.at >= ?`, from);
  if (to !== undefined) add(`${e}.at < ?`, to);
  if (visitor !== undefined) add(`${e}.visitor IS ?`, refOf(db, visitor));
  if (failed !== undefined) add(`${e}.error IS NOT NULL`);
  if (failed !== undefined && failed !== true)
    add(`${e}.error IN (${failed.map(() => '?').join(', ')})`, ...failed);
  if (rating !== undefined) add(`${e}.rating = ?`, rating);
  if (unanswered) add(`${e}.unanswered = 1`);
  if (flagged) add(`${e}.flagged = 1`);
  if (backend !== undefined) add(`${e}.backend = ?`, backend);
  if (kind !== undefined) {
    const isKind = `${e}.visitor IN (SELECT ref FROM visitors WHERE substr(key, 1, 1) = ?)`;
    add(kind === NOBODY.kind ? `(${isKind} OR ${e}.visitor IS NULL)` : isKind, KIND_STARTS[kind]);
  }
  if (who !== undefined) {
    add(
      `${e}.visitor IN (SELECT ref FROM visitors WHERE instr(lower(substr(key, 3)), ?) > 0 OR instr(lower(name), ?) > 0)`,
      ...[lower(who), lower(who)],
    );
  }
  parts.push(...words.map((word) => hasWord(`${x}.folded`, word)));
  return {
    sql: parts.map(({ sql }) => ` AND ${sql}`).join(''),
    values: parts.flatMap(({ values }) => values),
  };
};

export const joined = ({ words = [] }: ExchangeFilter, e: string, x: string): string =>
  words.length > 0 ? ` JOIN ops_texts ${x} ON ${x}.seq = ${e}.seq` : '';
