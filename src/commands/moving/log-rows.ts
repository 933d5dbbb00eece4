import { z } from 'zod';
import { type Visitor, visitorKey } from '../../chat/model.ts';
import type { StoredExchange } from '../../log-file/stored-exchange.ts';
import { ANONYMOUS, ownerOf } from '../../log-file/stored-exchange.ts';
import type { MovedExchange } from '../../stores/postgres/moving/moving.ts';

/** An exchange as it stands in conversations.json, under its key. */
export interface LogLine {
  readonly key: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The longest text that is an index's, in bytes: Postgres has room for 2,700. A `user_id` has 512 at most. */
const MAX_KEY_BYTES = 1000;
const NUL = String.fromCharCode(0);

/** A text as Postgres can keep it: no NUL and no half of a character. */
const kept = (text: string): string => text.toWellFormed().replaceAll(NUL, '\ufffd');

/** Whether Postgres can keep and find it. */
export const fits = (text: string): boolean =>
  text === kept(text) && Buffer.byteLength(text) <= MAX_KEY_BYTES;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a row has beside its columns: the key where it cannot be a visitor's, and fields that have no column. */
const moreSchema = z.object({
  key: z.string().optional(),
  fields: z.custom<Record<string, unknown>>(isObject).optional(),
});

/** The fields that a row's columns stand for, in the order in which the store writes them. */
const fieldsOf = (row: MovedExchange): Record<string, unknown> => {
  const { id, visitor, user, bot, timestamp, name, error, truncated, usage, cleared } = row;
  const session = visitor?.startsWith('a:') ? visitor.slice(2) : undefined;
  const verified = visitor?.startsWith('v:') ? true : undefined;
  return { user, bot, timestamp, id, session, name, verified, error, truncated, usage, cleared };
};

/** The exchange's row; what no column can hold goes beside, so that it comes back as it was. */
export const rowOf = (
  line: LogLine & { readonly id: string; readonly stored: StoredExchange },
): MovedExchange => {
  const { key, id, stored, fields } = line;
  const { session, verified, name, error, truncated, usage } = stored;
  const owner: Visitor | undefined = ownerOf(key, { session, verified });
  const visitor = owner && fits(owner.id) ? visitorKey(owner) : null;
  const row: MovedExchange = {
    id,
    visitor,
    user: kept(stored.user),
    bot: stored.bot === null ? null : kept(stored.bot),
    timestamp: stored.timestamp,
    ...(name !== undefined && fits(name) && { name }),
    ...(error !== undefined && { error: kept(error) }),
    ...(truncated && { truncated }),
    ...(usage && { usage: { input: usage.input, output: usage.output } }),
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
export const lineOf = (row: MovedExchange): LogLine & { readonly isOdd: boolean } => {
  const { visitor, cleared } = row;
  const { key: oddKey, fields } = row.more === undefined ? {} : moreSchema.parse(JSON.parse(row.more));
  const key = oddKey ?? (visitor === null || visitor.startsWith('a:') ? ANONYMOUS : visitor.slice(2));
  const all = { ...fieldsOf(row), ...fields };
  // Cleared after it was moved in: that counts.
  return { key, fields: cleared ? { ...all, cleared: true } : all, isOdd: oddKey !== undefined };
};
