import { z } from 'zod';
import { type Visitor, visitorOf } from '../../chat/model.ts';
import type { Calendar } from '../calendar.ts';
import { searchTerms } from '../fold.ts';
import type { ExchangeFilter, PageRequest } from '../ops-port.ts';

/** What the addresses of the pages say. A field that is wrong counts as absent: an address may be old, or typed. */

const DAY_S = 86_400;
export const RANGES = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 } as const;
export type RangeName = keyof typeof RANGES;

const word = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !text.includes('\0') && text.isWellFormed())
    .optional()
    .catch(undefined);
const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .optional()
  .catch(undefined);

export const SHOWN = ['failed', 'down', 'up', 'unanswered', 'flagged'] as const;

const fields = z.object({
  // Long ones are cut by searchTerms(): without it the list would show all.
  q: word(16_384),
  who: word(128),
  range: z.enum(['24h', '7d', '30d', '90d']).optional().catch(undefined),
  from: day,
  to: day,
  show: z.enum(SHOWN).optional().catch(undefined),
  code: word(64),
  identity: z.enum(['user', 'verified', 'anonymous']).optional().catch(undefined),
  backend: word(128),
  before: word(100),
  after: word(100),
  /** visitorKey() of the conversation that is open. */
  v: z
    .string()
    .regex(/^[uva]:/)
    .max(300)
    .optional()
    .catch(undefined),
  /** Cursors within the open conversation. */
  tb: word(100),
  ta: word(100),
});
export type Query = z.output<typeof fields>;

/** @param search What an address has after its `?`. */
export const readQuery = (search: URLSearchParams): Query => fields.parse(Object.fromEntries(search));

/** An address with some fields changed; undefined takes one away. */
export const href = (
  path: string,
  query: Query,
  changes: Partial<Record<keyof Query, string | undefined>> = {},
) => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, ...changes })) {
    if (value !== undefined && value !== '') search.set(name, value);
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
};

/** The fields that say which exchanges, without those that say where in the list. */
export const filterOnly = ({ v: _v, before: _b, after: _a, tb: _tb, ta: _ta, ...query }: Query): Query =>
  query;

/** @param now Milliseconds since 1970. */
export const filterOf = (query: Query, calendar: Calendar, now: number): ExchangeFilter => {
  const { q, who, range, from, to, show, code, identity, backend } = query;
  const words = q === undefined ? [] : searchTerms(q);
  const start = from === undefined ? undefined : calendar.startOf(from);
  const end = to === undefined ? undefined : calendar.startOf(to);
  const nextDay = end === undefined ? undefined : calendar.startOf(calendar.addDays(to ?? '', 1));
  return {
    ...(words.length > 0 && { words }),
    ...(who !== undefined && { who }),
    ...(range !== undefined && { from: now / 1000 - RANGES[range] * DAY_S }),
    ...(range === undefined && start !== undefined && { from: start }),
    ...(range === undefined && nextDay !== undefined && { to: nextDay }),
    ...(identity !== undefined && { kind: identity }),
    ...(backend !== undefined && { backend }),
    ...(code !== undefined ? { failed: [code] } : show === 'failed' && { failed: true as const }),
    ...((show === 'down' || show === 'up') && { rating: show }),
    ...(show === 'unanswered' && { unanswered: true as const }),
    ...(show === 'flagged' && { flagged: true as const }),
  };
};

export const pageOf = (
  { before, after }: { before?: string | undefined; after?: string | undefined },
  limit: number,
): PageRequest => ({
  limit,
  ...(before !== undefined ? { before } : after !== undefined && { after }),
});

/** The visitor of the open conversation. */
export const openVisitor = ({ v }: Query): Visitor | undefined =>
  v === undefined ? undefined : visitorOf(v);
