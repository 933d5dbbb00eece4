import { HEADROOM_BYTES } from '../stores/json/take-over.ts';
import { defaultTuning } from '../stores/json/tuning.ts';

/** Tells how many exchanges would be in the archive after an import, without importing. */
export class ArchiveForecast {
  readonly #maxBytes: number;
  readonly #times: number[] = [];
  readonly #sizes: number[] = [];
  /** Bytes of conversations.json as they rise and fall during the import. */
  #bytes = 0;

  /** @param maxBytes The log's limit. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Exchanges must come in the order in which the log gets them. */
  add(time: number, bytes: number): void {
    this.#times.push(time);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes + HEADROOM_BYTES) this.#archive();
  }

  #archive(): void {
    this.#bytes = Math.min(this.#bytes, this.#maxBytes * defaultTuning.keepShare);
  }

  /** How many of all these would move, about: the oldest ones. */
  moved(): number {
    if (this.#bytes > this.#maxBytes) this.#archive();
    const newestFirst = Float64Array.from(this.#times.keys()).sort(
      (a, b) => (this.#times[b] ?? 0) - (this.#times[a] ?? 0),
    );
    let left = this.#bytes;
    // Half a byte of tolerance: sums of whole numbers, but the share kept is none.
    const stays = newestFirst.findIndex((place) => {
      left -= this.#sizes[place] ?? 0;
      return left < -0.5;
    });
    return stays < 0 ? 0 : newestFirst.length - stays;
  }
}
