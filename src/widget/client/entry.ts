import type { HistoryExchange, Rating, Source } from '../protocol/chat.ts';

/** A message and its answer, as the visitor sees them. Plain data: it goes to other tabs and into storage. */
export interface Entry {
  /** The idempotency key; for what comes from the history, the exchange's id. */
  readonly key: string;
  /** The exchange's id, once it is known. */
  id?: string | undefined;
  readonly user: string;
  /** When the message was sent: milliseconds since 1970. */
  readonly at: number;
  /** The answer so far. */
  text: string;
  /**
   * `sending`: not yet accepted. `waiting`: accepted, no word yet. `streaming`. `done`. `failed`: see `error`. `stopped` by
   * the visitor.
   */
  state: 'sending' | 'waiting' | 'streaming' | 'done' | 'failed' | 'stopped';
  error?: { readonly code: string; readonly message: string } | undefined;
  /** The model was cut short. */
  truncated?: boolean | undefined;
  sources?: readonly Source[] | undefined;
  rating?: Rating | null | undefined;
  /** The id of the last event that was read. */
  last?: string | undefined;
}

const STATES = ['sending', 'waiting', 'streaming', 'done', 'failed', 'stopped'];

/** Whether what came from storage, or from a tab with another version, is an entry. */
export const isEntry = (value: unknown): value is Entry => {
  if (typeof value !== 'object' || value === null) return false;
  const { key, user, text, at, state } = value as Partial<Record<keyof Entry, unknown>>;
  const areTexts = [key, user, text].every((one) => typeof one === 'string');
  return areTexts && Number.isFinite(at) && STATES.includes(String(state));
};

export const isRunning = ({ state }: Entry): boolean =>
  state === 'sending' || state === 'waiting' || state === 'streaming';

export const entryOf = (exchange: HistoryExchange): Entry => ({
  key: exchange.id,
  id: exchange.id,
  user: exchange.user,
  at: exchange.timestamp * 1000,
  text: exchange.bot ?? '',
  state: exchange.bot === null ? 'failed' : 'done',
  truncated: exchange.truncated,
  sources: exchange.sources,
  rating: exchange.feedback?.rating,
  ...(exchange.bot === null ? { error: { code: exchange.error ?? 'unknown', message: '' } } : {}),
});
