/** A line that waits for the disk. */
export interface Pending {
  readonly line: string;
  readonly bytes: number;
  /** The id of the message whose taking it records, if it does. */
  readonly taken: string | undefined;
  readonly settle: (error?: Error) => void;
}

/** Bytes in one write: more would hold up the event loop. */
const BATCH_BYTES = 1024 * 1024;

/** The lines that wait for the disk, in the order in which they came. */
export class Backlog {
  #waiting: Pending[] = [];
  #bytes = 0;

  /** Bytes of all that is not settled, what is being written included. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  push(line: string, taken: string | undefined, settle: Pending['settle']): void {
    const bytes = Buffer.byteLength(line);
    this.#bytes += bytes;
    this.#waiting.push({ line, bytes, taken, settle });
  }

  /** Takes what goes into the next write; it is to be settled or given back. */
  take(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#waiting) {
      if (count > 0 && bytes + pending.bytes > BATCH_BYTES) break;
      bytes += pending.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  giveBack(batch: readonly Pending[]): void {
    this.#waiting.unshift(...batch);
  }

  settle(batch: readonly Pending[], error?: Error): void {
    for (const pending of batch) {
      this.#bytes -= pending.bytes;
      pending.settle(error);
    }
  }

  /** Gives up the messages that wait to be taken: whoever sent them is told to come back. */
  refuseTaken(error: Error): void {
    const refused = this.#waiting.filter(({ taken }) => taken !== undefined);
    this.#waiting = this.#waiting.filter(({ taken }) => taken === undefined);
    this.settle(refused, error);
  }

  /** Gives up everything. */
  refuseAll(error: Error): void {
    this.settle(this.#waiting.splice(0), error);
  }
}
