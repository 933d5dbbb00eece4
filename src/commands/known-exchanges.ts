import { hash } from 'node:crypto';
import { CompactNumbers } from '../log-file/compact-numbers.ts';
import { inSeconds } from '../log-file/log-times.ts';
import { olderId } from '../log-file/older-form.ts';
import type { LoggedExchange } from '../log-file/read-log.ts';

/** What is known of an exchange that the store has. */
export interface KeptExchange {
  readonly id: string;
  /** The key of conversations.json under which it stands. */
  readonly key: string;
  readonly user: string;
  /** Seconds since 1970, as it stands there. */
  readonly timestamp: number;
}

/** What makes an exchange the same as another one of its id, in 32 bits. */
const signatureOf = ({ key, user, timestamp }: Pick<KeptExchange, 'key' | 'user' | 'timestamp'>): number =>
  hash('sha256', JSON.stringify([key, user, inSeconds(timestamp)]), 'buffer').readUInt32LE(0);

/** What the store holds already. */
export class KnownExchanges {
  readonly #signatures = new CompactNumbers();

  /** @returns Whether it was not known. */
  add(kept: KeptExchange): boolean {
    const isNew = this.#signatures.get(kept.id) === undefined;
    if (isNew) this.#signatures.set(kept.id, signatureOf(kept));
    return isNew;
  }

  /**
   * The id under which the exchange is to be taken over; undefined where it is there already. An older system
   * may count 1, 2, 3 for each user or anew in each log: an id that another exchange has is no name for this one.
   */
  newIdFor({ id, key, index, stored }: LoggedExchange): string | undefined {
    const signature = signatureOf({ key, ...stored });
    for (const candidate of [id, olderId(key, index, stored)]) {
      const known = this.#signatures.get(candidate);
      if (known === undefined) return candidate;
      if (known === signature) return undefined;
    }
    return undefined;
  }
}
