import { z } from 'zod';
import { type AcceptedMessage, type Exchange, type UpstreamThread, visitorOf } from '../../chat/model.ts';

/**
 * A text as Postgres can keep it. Visitors' texts are valid already; an upstream's, or an older log's, need not be, and
 * must not be lost because of an invisible character.
 */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');

/** A value as JSON that Postgres can keep; null where there is none. */
export const storableJson = (value: object | undefined): string | null =>
  value === undefined
    ? null
    : JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? storable(inner) : inner));

/** A row of tp_taken. */
export const messageRow = z.object({
  id: z.string(),
  visitor: z.string(),
  said: z.string(),
  at: z.number(),
  key: z.string().nullable(),
  name: z.string().nullable(),
});

export const messageOf = ({
  id,
  visitor,
  said,
  at,
  key,
  name,
}: z.infer<typeof messageRow>): AcceptedMessage => ({
  id,
  visitor: visitorOf(visitor),
  user: said,
  timestamp: at,
  ...(key !== null && { key }),
  ...(name !== null && { name }),
});

/** The thread in a row of tp_visitors. */
export const threadRow = z.object({
  thread_id: z.string().nullable(),
  thread_made_by: z.string().nullable(),
});

export const threadOf = ({
  thread_id: id,
  thread_made_by: madeBy,
}: z.infer<typeof threadRow>): UpstreamThread | undefined =>
  id === null || madeBy === null ? undefined : { id, madeBy };

const source = z.object({
  n: z.number(),
  title: z.string(),
  url: z.string().exactOptional(),
  place: z.string().exactOptional(),
});

/** A row of tp_exchanges that is somebody's: the columns of `exchangeColumns`. */
export const exchangeRow = z.object({
  id: z.string(),
  visitor: z.string(),
  said: z.string(),
  answer: z.string().nullable(),
  error: z.string().nullable(),
  truncated: z.boolean(),
  tokens_in: z.number().nullable(),
  tokens_out: z.number().nullable(),
  at: z.number(),
  name: z.string().nullable(),
  sources: z.array(source).nullable(),
  rating: z.enum(['up', 'down']).nullable(),
  comment: z.string().nullable(),
  flagged: z.array(z.string()).nullable(),
  backend: z.string().nullable(),
  model: z.string().nullable(),
  queued_ms: z.number().nullable(),
  first_word_ms: z.number().nullable(),
  total_ms: z.number().nullable(),
  tools: z.array(z.string()).nullable(),
  unanswered: z.boolean().nullable(),
});

type ExchangeRow = z.infer<typeof exchangeRow>;

const runOf = (row: ExchangeRow): Exchange['run'] =>
  row.backend === null || row.total_ms === null
    ? undefined
    : {
        backend: row.backend,
        totalMs: row.total_ms,
        ...(row.model !== null && { model: row.model }),
        ...(row.queued_ms !== null && { queuedMs: row.queued_ms }),
        ...(row.first_word_ms !== null && { firstWordMs: row.first_word_ms }),
        ...(row.tools !== null && { tools: row.tools }),
      };

export const exchangeOf = (row: ExchangeRow): Exchange => {
  const run = runOf(row);
  return {
    id: row.id,
    visitor: visitorOf(row.visitor),
    user: row.said,
    timestamp: row.at,
    bot: row.answer,
    ...(row.name !== null && { name: row.name }),
    ...(row.error !== null && { error: row.error }),
    ...(row.truncated && { truncated: true }),
    ...(row.tokens_in !== null &&
      row.tokens_out !== null && { usage: { input: row.tokens_in, output: row.tokens_out } }),
    ...(row.sources !== null && { sources: row.sources }),
    ...(row.rating !== null && {
      feedback: { rating: row.rating, ...(row.comment !== null && { comment: row.comment }) },
    }),
    ...(row.flagged !== null && { flagged: row.flagged }),
    ...(row.unanswered && { unanswered: true }),
    ...(run && { run }),
  };
};

/** What is written of an exchange beside what its message has: one record, by the names of the columns. */
export const answerColumns = (exchange: Omit<Exchange, 'visitor' | 'id' | 'user' | 'timestamp'>) => {
  const { bot, error, truncated = false, usage, sources, feedback, flagged, run } = exchange;
  return {
    answer: bot === null ? null : storable(bot),
    error: error ?? null,
    truncated,
    tokens_in: usage?.input ?? null,
    tokens_out: usage?.output ?? null,
    sources: sources ?? null,
    rating: feedback?.rating ?? null,
    comment: feedback?.comment ?? null,
    flagged: flagged ?? null,
    backend: run?.backend ?? null,
    model: run?.model ?? null,
    queued_ms: run?.queuedMs ?? null,
    first_word_ms: run?.firstWordMs ?? null,
    total_ms: run?.totalMs ?? null,
    tools: run?.tools ?? null,
    unanswered: exchange.unanswered ?? null,
  };
};
