import { z } from 'zod';
import { type AcceptedMessage, type Exchange, visitorOf } from '../../chat/model.ts';

/**
 * A text as Postgres can keep it. Visitors' texts come so; what an upstream says, or an older log holds, need not, and
 * is not to be lost for a character that nobody sees.
 */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');

/** A row of tp_taken. */
export const takenRow = z.object({
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
}: z.infer<typeof takenRow>): AcceptedMessage => ({
  id,
  visitor: visitorOf(visitor),
  user: said,
  timestamp: at,
  ...(key !== null && { key }),
  ...(name !== null && { name }),
});

/** A row of tp_exchanges that is somebody's. */
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
});

export const exchangeOf = (row: z.infer<typeof exchangeRow>): Exchange => ({
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
});
