import { hash } from 'node:crypto';
import { idempotencyMismatch } from '../errors.ts';
import type { Turn } from './live-turns.ts';
import { type Visitor, visitorKey } from './model.ts';

/** For how long the same key gives the same exchange, in milliseconds. */
export const KEY_LIFE_MS = 24 * 60 * 60_000;

/** What stands for a visitor's key: the same text from another visitor is another, and the key cannot be read from it. */
export const keyName = (visitor: Visitor, key: string): string =>
  hash('sha256', JSON.stringify([visitorKey(visitor), key]), 'base64url');

/**
 * One turn per key, however many requests come with it, also at the same moment: gives the turn that the key's
 * message began earlier, else the one that `begin` begins.
 * @param earlier Finds the turn of a key that was taken before.
 * @param masked How texts are written: a turn from the log has no other.
 * @throws AppError `idempotency_mismatch` where the key came with another message; what `begin` throws.
 */
export const createOneTurn = (
  earlier: (name: string) => Promise<Turn | undefined>,
  masked: (text: string) => string = (text) => text,
) => {
  /** Keys whose messages are being taken: no store knows of them yet. */
  const taking = new Map<string, Promise<Turn>>();

  const findOrBegin = async (name: string, begin: () => Promise<Turn>): Promise<Turn> =>
    (await earlier(name)) ?? begin();

  return async (name: string, text: string, begin: () => Promise<Turn>): Promise<Turn> => {
    let pending = taking.get(name);
    if (!pending) {
      // Nothing may be awaited between the look and the reservation.
      pending = findOrBegin(name, begin).finally(() => taking.delete(name));
      taking.set(name, pending);
    }
    const turn = await pending;
    if (turn.text !== text && turn.text !== masked(text)) throw idempotencyMismatch();
    return turn;
  };
};
