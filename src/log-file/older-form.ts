import { hash } from 'node:crypto';
import type { StoredExchange } from './stored-exchange.ts';

/**
 * The id of an exchange from a log that has none (`{user_id: [{user, bot, timestamp}]}`). It follows from the
 * exchange's content and place, so that every start gives the same one until the log is rewritten with it,
 * and every import too, also when the older system has added to the ends of its lists meanwhile.
 */
export const olderId = (
  key: string,
  index: number,
  exchange: { readonly user: string; readonly bot: string | null; readonly timestamp: number },
): string => {
  const place = JSON.stringify([key, index, exchange.user, exchange.bot, exchange.timestamp]);
  return `older-${hash('sha256', place).slice(0, 32)}`;
};

/** Numbers by text: a Map, or what takes less memory. */
export interface NumbersByText {
  get(text: string): number | undefined;
  set(text: string, value: number): unknown;
}

/** Names the exchanges of one file, which must be shown to it in their order. */
export class Identities {
  readonly #ids: NumbersByText;
  readonly #counts: NumbersByText;

  constructor(ids: NumbersByText = new Map(), counts: NumbersByText = new Map()) {
    this.#ids = ids;
    this.#counts = counts;
  }

  /** The place of the next exchange in its key's list, counted from 0; a key may stand twice in a file. */
  nextIndex(key: string): number {
    const index = this.#counts.get(key) ?? 0;
    this.#counts.set(key, index + 1);
    return index;
  }

  /** The exchange's own id, where it is the first in the file that has it; else one that is derived. */
  idOf(key: string, index: number, exchange: StoredExchange): string {
    const { id } = exchange;
    if (id === undefined || this.#ids.get(id) !== undefined) return olderId(key, index, exchange);
    this.#ids.set(id, 1);
    return id;
  }
}
