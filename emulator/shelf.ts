/** A map that holds a bounded number of things, of a bounded weight, and drops what was unused longest. */

export interface Bounds<T> {
  readonly count: number;
  /** The most that all things together may weigh. */
  readonly weight: number;
  weigh(value: T): number;
  /** Things that may not be dropped now. */
  pinned(value: T): boolean;
}

export class Shelf<T> {
  readonly #bounds: Bounds<T>;
  readonly #entries = new Map<string, { readonly value: T; weight: number }>();
  #weight = 0;

  constructor(bounds: Bounds<T>) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): T[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** The thing with this id, which now counts as used. */
  get(id: string): T | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.value;
  }

  put(id: string, value: T): void {
    this.delete(id);
    this.#entries.set(id, { value, weight: 0 });
    this.reweigh(id);
  }

  /** To be called when a thing has grown or shrunk. */
  reweigh(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const weight = this.#bounds.weigh(entry.value);
    this.#weight += weight - entry.weight;
    entry.weight = weight;
    if (this.#entries.size > this.#bounds.count || this.#weight > this.#bounds.weight) this.#drop(id);
  }

  delete(id: string): boolean {
    this.#weight -= this.#entries.get(id)?.weight ?? 0;
    return this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }

  /** Drops the longest unused things, but never the one just touched. */
  #drop(touched: string): void {
    for (const [id, { value }] of this.#entries) {
      if (this.#entries.size <= this.#bounds.count && this.#weight <= this.#bounds.weight) return;
      if (id !== touched && !this.#bounds.pinned(value)) this.delete(id);
    }
  }
}
