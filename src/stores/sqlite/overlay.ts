import {
  type AcceptedMessage,
  type Exchange,
  type UpstreamThread,
  type Visitor,
  visitorKey,
} from '../../chat/model.ts';

/** How many of a value's writes are on their way, and the value. */
interface Entry<T> {
  value: T;
  writes: number;
}

/** Values that are on their way to the disk: until they are there, they are read from here. */
class Unwritten<T> {
  readonly #entries = new Map<string, Entry<T>>();

  /** Keeps the value until the write has ended. */
  keep(key: string, value: T, write: Promise<unknown>): void {
    const entry = this.#entries.get(key) ?? { value, writes: 0 };
    entry.value = value;
    entry.writes++;
    this.#entries.set(key, entry);
    const ended = (): void => {
      if (--entry.writes === 0) this.#entries.delete(key);
    };
    write.then(ended, ended);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }
}

/**
 * What the service knows and the database does not yet: what is being written, or waits for a disk that fails.
 * Nobody else writes to the database, so that both together are all there is.
 */
export class Overlay {
  /** Messages that are accepted and not finished. */
  readonly accepted = new Map<string, AcceptedMessage>();
  readonly keys = new Unwritten<string>();
  readonly threads = new Unwritten<UpstreamThread | undefined>();
  readonly facts = new Unwritten<string>();
  /** Exchanges by visitorKey(), oldest first. */
  readonly #finished = new Map<string, Map<string, Exchange>>();

  finished(visitor: Visitor): Exchange[] {
    return [...(this.#finished.get(visitorKey(visitor))?.values() ?? [])];
  }

  /** The exchange of this id that is being written. */
  finishing(id: string): Exchange | undefined {
    for (const exchanges of this.#finished.values()) {
      const found = exchanges.get(id);
      if (found) return found;
    }
    return undefined;
  }

  /** Keeps an exchange until the write has ended. */
  finish(exchange: Exchange, write: Promise<unknown>): void {
    const key = visitorKey(exchange.visitor);
    const exchanges = this.#finished.get(key) ?? new Map<string, Exchange>();
    this.#finished.set(key, exchanges.set(exchange.id, exchange));
    const ended = (): void => {
      exchanges.delete(exchange.id);
      if (exchanges.size === 0) this.#finished.delete(key);
    };
    write.then(ended, ended);
  }
}
