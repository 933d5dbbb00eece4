/** Where a text is kept. */
export interface Kept {
  readonly slab: Buffer;
  readonly at: number;
  readonly bytes: number;
}

const SLAB_BYTES = 1024 * 1024;

/** The text itself, in UTF-8; a view, not a copy. */
export const bytesOf = ({ slab, at, bytes }: Kept): Buffer => slab.subarray(at, at + bytes);

export const textOf = ({ slab, at, bytes }: Kept): string => slab.toString('utf8', at, at + bytes);

/** Gives memory of its own back before the garbage collector comes by. */
export const giveBack = (memory: Buffer): void => {
  if (memory.buffer instanceof ArrayBuffer) memory.buffer.transfer(0);
};

/**
 * Keeps very many texts, one behind the other in a few large buffers. They cost what they take on disk (as
 * strings they would take twice that as soon as one character is not Latin), and nothing at a collection of
 * garbage. A buffer goes when all texts in it have gone: so texts that go together are to be kept in a row.
 */
export class Slabs {
  #slab = Buffer.alloc(0);
  #used = 0;

  keep(text: string | Uint8Array): Kept {
    const bytes = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
      this.#used = 0;
    }
    const kept = { slab: this.#slab, at: this.#used, bytes };
    if (typeof text === 'string') this.#slab.write(text, this.#used);
    else this.#slab.set(text, this.#used);
    this.#used += bytes;
    return kept;
  }
}
