/** Where an exchange stands in a file, and what puts it in order. */
export interface Spot {
  readonly key: string;
  /** Its place in the key's list. */
  readonly index: number;
  /** In bytes from the file's beginning. */
  readonly at: number;
  readonly bytes: number;
  /** The latest timestamp of it and those before it under its key. */
  readonly time: number;
  /** Whether its own id names it. */
  readonly isNamed: boolean;
}

/** Numbers per spot: time, place, bytes, the key's number, and index and name in one. */
const WIDTH = 5;
const FIRST_SPOTS = 1024;

/** Spots of a whole file, in 44 bytes each: as objects they would take three times as much. */
export class Spots {
  #table = new Float64Array(WIDTH * FIRST_SPOTS);
  #size = 0;
  readonly #keys: string[] = [];
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#size;
  }

  add({ key, index, at, bytes, time, isNamed }: Spot): void {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#keys.push(key) - 1;
      this.#numbers.set(key, number);
    }
    const from = WIDTH * this.#size++;
    if (from === this.#table.length) {
      const old = this.#table;
      this.#table = new Float64Array(2 * old.length);
      this.#table.set(old);
    }
    this.#table.set([time, at, bytes, number, 2 * index + Number(isNamed)], from);
  }

  get(place: number): Spot | undefined {
    if (place >= this.#size) return undefined;
    const [time = 0, at = 0, bytes = 0, number = 0, indexAndName = 0] = this.#table.subarray(
      WIDTH * place,
      WIDTH * (place + 1),
    );
    const index = Math.floor(indexAndName / 2);
    return { key: this.#keys[number] ?? '', index, at, bytes, time, isNamed: indexAndName % 2 === 1 };
  }

  /** The places by time; those of one time as they stand in the file. */
  byTime(): Uint32Array {
    const table = this.#table;
    const order = Uint32Array.from({ length: this.#size }, (_, place) => place);
    return order.sort((a, b) => (table[WIDTH * a] ?? 0) - (table[WIDTH * b] ?? 0) || a - b);
  }
}
