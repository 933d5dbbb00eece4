import { type Exchange, type Feedback, type RunDetails, type Source, visitorOf } from '../../chat/model.ts';
import type { LogRow } from '../../log-file/log-row.ts';
import {
  type Connection,
  number,
  numberOrNull,
  type Row,
  text,
  textOrNull,
} from '../../sqlite/connection.ts';

/** What {@link logRowOf} needs of an exchange; `e` is the row of exchanges, `t` that of texts, `v` that of visitors. */
export const COLUMNS = `e.seq, e.id, v.key AS visitor, e.at, e.error, e.truncated, e.cleared, e.rating, e.unanswered, e.tokens_in,
  e.tokens_out, e.backend, e.model, e.queued_ms, e.first_word_ms, e.total_ms, t.said, t.answer, t.name, t.comment,
  t.sources, t.flagged, t.tools, t.more`;
export const FROM = `exchanges e JOIN texts t ON t.seq = e.seq LEFT JOIN visitors v ON v.ref = e.visitor`;

/** A list that this store has written, which nobody else writes to. */
const list = <T>(json: string | null): readonly T[] | undefined =>
  json === null ? undefined : (JSON.parse(json) as T[]);

const feedbackOf = ({ rating, comment }: Row): Feedback | undefined => {
  if (rating !== 'up' && rating !== 'down') return undefined;
  const said = textOrNull(comment);
  return said === null ? { rating } : { rating, comment: said };
};

const runOf = (row: Row): RunDetails | undefined => {
  const backend = textOrNull(row.backend);
  if (backend === null) return undefined;
  const model = textOrNull(row.model);
  const [queuedMs, firstWordMs] = [numberOrNull(row.queued_ms), numberOrNull(row.first_word_ms)];
  const tools = list<string>(textOrNull(row.tools));
  return {
    backend,
    ...(model !== null && { model }),
    ...(queuedMs !== null && { queuedMs }),
    ...(firstWordMs !== null && { firstWordMs }),
    totalMs: numberOrNull(row.total_ms) ?? 0,
    ...(tools && { tools }),
  };
};

/** The exchange in a row of {@link COLUMNS}. */
export const logRowOf = (row: Row): LogRow => {
  const [name, error, more] = [textOrNull(row.name), textOrNull(row.error), textOrNull(row.more)];
  const [input, output] = [numberOrNull(row.tokens_in), numberOrNull(row.tokens_out)];
  const sources = list<Source>(textOrNull(row.sources));
  const flagged = list<string>(textOrNull(row.flagged));
  const [feedback, run] = [feedbackOf(row), runOf(row)];
  return {
    id: text(row.id),
    visitor: textOrNull(row.visitor),
    ...(name !== null && { name }),
    user: text(row.said),
    timestamp: number(row.at),
    bot: textOrNull(row.answer),
    ...(error !== null && { error }),
    ...(row.truncated === 1 && { truncated: true }),
    ...(input !== null && output !== null && { usage: { input, output } }),
    ...(sources && { sources }),
    ...(feedback && { feedback }),
    ...(flagged && { flagged }),
    ...(row.unanswered === 1 && { unanswered: true }),
    ...(run && { run }),
    ...(row.cleared === 1 && { cleared: true }),
    ...(more !== null && { more }),
  };
};

/** The exchange of a row that is somebody's and was not cleared. */
export const exchangeOf = ({ visitor, more: _, cleared: __, ...row }: LogRow): Exchange | undefined =>
  visitor === null ? undefined : { ...row, visitor: visitorOf(visitor) };

/** A row of visitors, as far as an exchange needs it. */
interface Owner {
  readonly ref: number | null;
  readonly list: number;
  /** The highest `time` of its exchanges. */
  readonly lastTime: number | null;
}

const NOBODY: Owner = { ref: null, list: 0, lastTime: null };
const ODD: Owner = { ref: null, list: -1, lastTime: null };

/** The other visitor whose exchanges stand under the same key of conversations.json. */
const twinOf = (key: string): string => `${key.startsWith('u:') ? 'v:' : 'u:'}${key.slice(2)}`;

/** Finds a visitor's row, or makes it. */
export const visitorRow = (db: Connection, key: string): Owner & { readonly ref: number } => {
  const found = db.get('SELECT ref, list, last_time FROM visitors WHERE key = ?', key);
  if (found) {
    return { ref: number(found.ref), list: number(found.list), lastTime: numberOrNull(found.last_time) };
  }
  const { rowid: ref } = db.run('INSERT INTO visitors (key, list, messages) VALUES (?, 0, 0)', key);
  if (key.startsWith('a:')) return { ref, list: 0, lastTime: null };
  const twin = db.get('SELECT list FROM visitors WHERE key = ?', twinOf(key));
  const list = twin ? number(twin.list) : ref;
  db.run('UPDATE visitors SET list = ? WHERE ref = ?', list, ref);
  return { ref, list, lastTime: null };
};

const ownerOf = (db: Connection, { visitor, more }: LogRow): Owner => {
  if (visitor !== null) return visitorRow(db, visitor);
  return more?.startsWith('{"key":') ? ODD : NOBODY;
};

const json = (value: readonly unknown[] | undefined): string | null =>
  value === undefined ? null : JSON.stringify(value);

/**
 * Writes an exchange, unless one of its id is there.
 * @param place.time Its place in its list; without it the exchange is the newest of its visitor's.
 * @param place.archive The archive's file in which it stands.
 * @returns Whether it was written.
 */
export const insertExchange = (
  db: Connection,
  row: LogRow,
  place: { readonly time?: number; readonly archive?: number } = {},
): boolean => {
  if (db.get('SELECT 1 FROM exchanges WHERE id = ?', row.id)) return false;
  const { ref, list, lastTime } = ownerOf(db, row);
  const { timestamp: at, bot, run, usage, feedback, flagged } = row;
  const time = place.time ?? Math.max(at, lastTime ?? at);
  const { rowid: seq } = db.run(
    `INSERT INTO exchanges (id, visitor, list, time, at, answered, error, truncated, cleared, rating, flagged, unanswered,
      tokens_in, tokens_out, backend, model, queued_ms, first_word_ms, total_ms, archive)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[row.id, ref, list, time, at, bot === null ? 0 : 1, row.error ?? null, row.truncated ? 1 : 0],
    ...[row.cleared ? 1 : 0, feedback?.rating ?? null, flagged ? 1 : 0, row.unanswered ? 1 : 0],
    ...[usage?.input ?? null, usage?.output ?? null, run?.backend ?? null, run?.model ?? null],
    ...[run?.queuedMs ?? null, run?.firstWordMs ?? null, run?.totalMs ?? null, place.archive ?? null],
  );
  db.run(
    `INSERT INTO texts (seq, said, answer, name, comment, sources, flagged, tools, more)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[seq, row.user, bot, row.name ?? null, feedback?.comment ?? null],
    ...[json(row.sources), json(flagged), json(run?.tools), row.more ?? null],
  );
  if (ref === null) return true;
  const isLast = lastTime === null || time >= lastTime;
  db.run(
    `UPDATE visitors SET messages = messages + ?, name = coalesce(?, name), last_seen = coalesce(?, last_seen, ?),
      last_time = max(coalesce(last_time, ?), ?) WHERE ref = ?`,
    ...[row.cleared ? 0 : 1, isLast && !row.cleared ? (row.name ?? null) : null],
    ...[isLast && !row.cleared ? at : null, row.cleared ? null : at, time, time, ref],
  );
  return true;
};
