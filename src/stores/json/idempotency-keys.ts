/** Seconds for which a key is remembered: a day. */
const KEPT_SECONDS = 24 * 60 * 60;

/** Keys that are remembered; beyond, the one that came longest ago is forgotten. */
const MAX_KEYS = 50_000;

/** A key, the exchange it stands for, and when its message came, in seconds since 1970. */
export type KeyEntry = readonly [key: string, id: string, timestamp: number];

/** Which exchange each idempotency key stands for. */
export class IdempotencyKeys implements Iterable<KeyEntry> {
  /** In the order in which messages came, so that the oldest is the first. */
  readonly #keys = new Map<string, { readonly id: string; readonly timestamp: number }>();

  get(key: string): string | undefined {
    return this.#keys.get(key)?.id;
  }

  /** A key that is there already stands for the new exchange from now on. */
  add(key: string, id: string, timestamp: number): void {
    this.#keys.delete(key);
    this.#keys.set(key, { id, timestamp });
    for (const [oldest, known] of this.#keys) {
      // The messages' own time: replaying the journal a week later must forget the same ones.
      if (this.#keys.size <= MAX_KEYS && known.timestamp >= timestamp - KEPT_SECONDS) break;
      this.#keys.delete(oldest);
    }
  }

  /** Forgets a key, unless it stands for another exchange by now. */
  forget(key: string, id: string): void {
    if (this.get(key) === id) this.#keys.delete(key);
  }

  *[Symbol.iterator](): Iterator<KeyEntry> {
    for (const [key, { id, timestamp }] of this.#keys) yield [key, id, timestamp];
  }
}
