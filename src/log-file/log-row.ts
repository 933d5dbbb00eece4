/** An exchange as a row of a store, and as it stands in conversations.json: one form from the other. */

import { hash } from 'node:crypto';
import { type Exchange, visitorKey, visitorOf } from '../chat/model.ts';
import { ANONYMOUS, exchangeOf, logFields, ownerOf } from './log-fields.ts';
import type { StoredExchange } from './stored-exchange.ts';

/** An exchange as both stores keep it, and as it moves from one to the other. */
export type LogRow = Omit<Exchange, 'visitor' | 'key'> & {
  /** visitorKey() of the visitor; null where it is nobody's, of an older log. */
  readonly visitor: string | null;
  readonly cleared?: true;
  /** What the log has beside, in JSON. */
  readonly more?: string;
};

/** An exchange as it stands in conversations.json, under its key. */
export interface LogLine {
  readonly key: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The longest text that is an index's, in bytes: Postgres has room for 2,700. A `user_id` has 512 at most. */
const MAX_KEY_BYTES = 1000;
const NUL = String.fromCharCode(0);

/** A text as Postgres can keep it: no NUL and no half of a character. */
export const kept = (text: string): string => text.toWellFormed().replaceAll(NUL, '\ufffd');

/** Whether Postgres can keep and find it. */
export const fits = (text: string): boolean =>
  text === kept(text) && Buffer.byteLength(text) <= MAX_KEY_BYTES;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a row has beside its columns: the key where it cannot be a visitor's, and fields that have no column. */
const moreOf = (json: string | undefined): { key?: string; fields?: Record<string, unknown> } => {
  const more: unknown = json === undefined ? {} : JSON.parse(json);
  if (!isObject(more)) throw new TypeError('what a row has beside is not an object');
  const { key, fields } = more;
  return { ...(typeof key === 'string' && { key }), ...(isObject(fields) && { fields }) };
};

/** The fields that a row's columns stand for, in the order in which the stores write them. */
const fieldsOf = ({ visitor, cleared, more: _, ...row }: LogRow): Record<string, unknown> => ({
  ...logFields(row, visitor === null ? undefined : visitorOf(visitor)),
  cleared,
});

/** Stands for an id that no index can hold. */
const shortId = (key: string, id: string): string =>
  `odd-${hash('sha256', JSON.stringify([key, id])).slice(0, 32)}`;

/** The exchange's row; what no column can hold goes beside, so that it comes back as it was. */
export const rowOf = (line: LogLine & { readonly id: string; readonly stored: StoredExchange }): LogRow => {
  const { key, id, stored, fields } = line;
  const { session, verified, name, error } = stored;
  const owner = ownerOf(key, { session, verified });
  const visitor = owner && fits(owner.id) ? visitorKey(owner) : null;
  const { visitor: _, ...exchange } = exchangeOf({ kind: 'user', id: '' }, id, stored);
  const { name: __, ...rest } = exchange;
  const row: LogRow = {
    ...rest,
    id: fits(id) ? id : shortId(key, id),
    visitor,
    user: kept(stored.user),
    bot: stored.bot === null ? null : kept(stored.bot),
    ...(name !== undefined && fits(name) && { name }),
    ...(error !== undefined && { error: kept(error) }),
    ...(stored.cleared && { cleared: true }),
  };
  const base = fieldsOf(row);
  const other = Object.entries(fields).filter(
    ([field, value]) => value !== base[field] && JSON.stringify(value) !== JSON.stringify(base[field]),
  );
  const isOdd = visitor === null && key !== ANONYMOUS;
  if (!isOdd && other.length === 0) return row;
  // The key comes first: that is how such rows are found.
  const more = { ...(isOdd && { key }), ...(other.length > 0 && { fields: Object.fromEntries(other) }) };
  return { ...row, more: JSON.stringify(more) };
};

/** The exchange of a row, as conversations.json has it; `isOdd`: under a key that is no visitor's here. */
export const lineOf = (row: LogRow): LogLine & { readonly isOdd: boolean } => {
  const { visitor, cleared } = row;
  const { key: oddKey, fields } = moreOf(row.more);
  const key = oddKey ?? (visitor === null || visitor.startsWith('a:') ? ANONYMOUS : visitor.slice(2));
  const all = { ...fieldsOf(row), ...fields };
  // Cleared or rated after it was moved in: that counts.
  const since = { ...(row.feedback && { feedback: row.feedback }), ...(cleared && { cleared: true }) };
  return { key, fields: { ...all, ...since }, isOdd: oddKey !== undefined };
};
