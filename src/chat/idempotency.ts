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
 * message began earlier, else the one that `start` begins.
 * @param earlier Finds the turn of a key whose message was accepted before.
 * @param masked How texts are written: a turn from the log has no other.
 * @throws AppError `idempotency_mismatch` where the key came with another message; what `start` throws.
 */
export const createOneTurn = (
  earlier: (name: string) => Promise<Turn | undefined>,
  masked: (text: string) => string = (text) => text,
) => {
  /** Keys whose messages are being accepted: no store knows of them yet. */
  const accepting = new Map<string, Promise<Turn>>();

  const findOrStart = async (name: string, start: () => Promise<Turn>): Promise<Turn> =>
    (await earlier(name)) ?? start();

  return async (name: string, text: string, start: () => Promise<Turn>): Promise<Turn> => {
    let pending = accepting.get(name);
    if (!pending) {
      // No `await` between check and reservation.
      pending = findOrStart(name, start).finally(() => accepting.delete(name));
      accepting.set(name, pending);
    }
    const turn = await pending;
    if (turn.text !== text && turn.text !== masked(text)) throw idempotencyMismatch();
    return turn;
  };
};
