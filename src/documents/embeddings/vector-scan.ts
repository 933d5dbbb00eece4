/** A vector that is near, by its place in the order in which vectors were added. */
export interface Near {
  readonly row: number;
  readonly similarity: number;
}

/** Multiplications up to which each search looks at all vectors whole. */
const EXACT_WORK = 8_000_000;
/** Beyond, all are compared by the signs of their numbers first, and so many of the nearest whole. */
const SHORTLIST = 1_000;
const CHUNK = 4_096;

const bitsIn = (word: number): number => {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
};

/** The rows with the highest values. */
const top = (values: Float32Array, count: number, k: number): number[] => {
  if (count <= k)
    return Array.from({ length: count }, (_, row) => row).toSorted(
      (a, b) => (values[b] ?? 0) - (values[a] ?? 0),
    );
  // The k-th highest value, by a sorted copy: quicker than a heap at these sizes, and simple.
  const sorted = values.slice(0, count).sort();
  const least = sorted[count - k] ?? 0;
  const rows: number[] = [];
  for (let row = 0; row < count; row += 1) if ((values[row] ?? 0) >= least) rows.push(row);
  return rows.toSorted((a, b) => (values[b] ?? 0) - (values[a] ?? 0)).slice(0, k);
};

/** Vectors of length 1 in memory, and the nearest of them: exact, or nearly so where there are very many. */
export const createVectorScan = (dimensions: number) => {
  const words = Math.ceil(dimensions / 32);
  const chunks: Float32Array[] = [];
  const signs: Uint32Array[] = [];
  /** What is usual in each dimension: signs tell more against it. */
  let center: Float32Array | undefined;
  let count = 0;

  const signsOf = (vector: Float32Array, from: number, into: Uint32Array, at: number): void => {
    for (let word = 0; word < words; word += 1) {
      let bits = 0;
      const end = Math.min(dimensions, (word + 1) * 32);
      for (let n = word * 32; n < end; n += 1)
        bits = (bits << 1) | ((vector[from + n] ?? 0) > (center?.[n] ?? 0) ? 1 : 0);
      into[at + word] = bits;
    }
  };

  const similarity = (chunk: Float32Array, from: number, query: Float32Array): number => {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let n = 0;
    for (; n + 3 < dimensions; n += 4) {
      a += (chunk[from + n] as number) * (query[n] as number);
      b += (chunk[from + n + 1] as number) * (query[n + 1] as number);
      c += (chunk[from + n + 2] as number) * (query[n + 2] as number);
      d += (chunk[from + n + 3] as number) * (query[n + 3] as number);
    }
    for (; n < dimensions; n += 1) a += (chunk[from + n] as number) * (query[n] as number);
    return a + b + c + d;
  };
  const similarityOf = (row: number, query: Float32Array): number =>
    similarity(chunks[Math.floor(row / CHUNK)] as Float32Array, (row % CHUNK) * dimensions, query);

  const all = (query: Float32Array): Float32Array => {
    const values = new Float32Array(count);
    for (let row = 0; row < count; row += 1) values[row] = similarityOf(row, query);
    return values;
  };

  /** The rows whose signs are most like the query's, in no order. */
  const shortlist = (query: Float32Array): number[] => {
    const own = new Uint32Array(words);
    signsOf(query, 0, own, 0);
    const differing = new Uint16Array(count);
    const rowsWith = new Uint32Array(dimensions + 1);
    for (let row = 0; row < count; row += 1) {
      const chunk = signs[Math.floor(row / CHUNK)] as Uint32Array;
      const from = (row % CHUNK) * words;
      let bits = 0;
      for (let word = 0; word < words; word += 1) {
        bits += bitsIn((chunk[from + word] as number) ^ (own[word] as number));
      }
      differing[row] = bits;
      rowsWith[bits] = (rowsWith[bits] as number) + 1;
    }
    let most = 0;
    for (let rows = rowsWith[0] ?? 0; rows < SHORTLIST && most < dimensions; rows += rowsWith[most] ?? 0)
      most += 1;
    const rows: number[] = [];
    for (let row = 0; row < count; row += 1) if ((differing[row] as number) <= most) rows.push(row);
    return rows;
  };

  const findCenter = (): void => {
    center = new Float32Array(dimensions);
    const first = Math.min(count, CHUNK);
    for (let row = 0; row < first; row += 1) {
      for (let n = 0; n < dimensions; n += 1)
        center[n] = (center[n] ?? 0) + (chunks[0]?.[row * dimensions + n] ?? 0) / first;
    }
    for (const [at, chunk] of chunks.entries()) {
      const own = new Uint32Array(CHUNK * words);
      for (let row = 0; row < Math.min(CHUNK, count - at * CHUNK); row += 1)
        signsOf(chunk, row * dimensions, own, row * words);
      signs[at] = own;
    }
  };

  return {
    get count() {
      return count;
    },
    /** Adds a vector. @returns Whether it has as many dimensions as the others. */
    add: (vector: Float32Array): boolean => {
      if (vector.length !== dimensions) return false;
      const at = Math.floor(count / CHUNK);
      const chunk = chunks[at] ?? new Float32Array(CHUNK * dimensions);
      chunks[at] = chunk;
      chunk.set(vector, (count % CHUNK) * dimensions);
      if (center) {
        const own = signs[at] ?? new Uint32Array(CHUNK * words);
        signs[at] = own;
        signsOf(vector, 0, own, (count % CHUNK) * words);
      }
      count += 1;
      if (!center && count * dimensions > EXACT_WORK) findCenter();
      return true;
    },
    /** The nearest vectors to one of length 1, best first. */
    search: (query: Float32Array, k: number): readonly Near[] => {
      if (query.length !== dimensions || count === 0) return [];
      if (count * dimensions <= EXACT_WORK) {
        const values = all(query);
        return top(values, count, k).map((row) => ({ row, similarity: values[row] ?? 0 }));
      }
      return shortlist(query)
        .map((row) => ({ row, similarity: similarityOf(row, query) }))
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, k);
    },
  };
};

export type VectorScan = ReturnType<typeof createVectorScan>;
