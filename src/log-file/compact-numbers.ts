import { hash } from 'node:crypto';
import type { NumbersByText } from './older-form.ts';

/** Per place: 64 bits of the text's hash, and the number. */
const WIDTH = 3;
const FIRST_PLACES = 1024;

/**
 * Numbers (0 to 2^32 - 1) by text, for millions of texts: 24 to 48 bytes each, where a Map with the texts
 * takes 150. Of the text only a hash is kept; that two of ten million share theirs has odds of one to 370,000.
 */
export class CompactNumbers implements NumbersByText {
  #table = new Uint32Array(WIDTH * FIRST_PLACES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(text: string): number | undefined {
    const [high, low] = hashOf(text);
    const at = this.#placeOf(high, low);
    return this.#table[at] === 0 ? undefined : this.#table[at + 2];
  }

  set(text: string, value: number): void {
    const [high, low] = hashOf(text);
    const at = this.#placeOf(high, low);
    const isNew = this.#table[at] === 0;
    this.#table.set([high, low, value], at);
    if (!isNew) return;
    this.#size++;
    if (this.#size * 2 * WIDTH > this.#table.length) this.#grow();
  }

  /** Where the hash is, or the free place where it would be: the first from its own place on. */
  #placeOf(high: number, low: number): number {
    const table = this.#table;
    const places = table.length / WIDTH;
    for (let place = low % places; ; place = (place + 1) % places) {
      const at = place * WIDTH;
      if (table[at] === 0 || (table[at] === high && table[at + 1] === low)) return at;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WIDTH) {
      const [high = 0, low = 0] = old.subarray(at, at + 2);
      if (high !== 0) this.#table.set(old.subarray(at, at + WIDTH), this.#placeOf(high, low));
    }
  }
}

/** Its first half is never 0: that marks a free place. */
const hashOf = (text: string): [high: number, low: number] => {
  const digest = hash('sha256', text, 'buffer');
  return [digest.readUInt32LE(0) || 1, digest.readUInt32LE(4)];
};
