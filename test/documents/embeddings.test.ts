import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { createEmbedder, unit } from '../../src/documents/embeddings/embedder.ts';
import { createMeaning } from '../../src/documents/embeddings/meaning.ts';
import { createVectorScan } from '../../src/documents/embeddings/vector-scan.ts';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { startEmulator, temporaryFolder } from '../helpers/service.ts';
import { passage, source } from './index-contract.ts';

const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const inputs = z.object({ input: z.array(z.string()) });

describe('texts are embedded', () => {
  it('many in one call, in their order, and counted', async () => {
    const emulator = await startEmulator();
    let tokens = 0;
    const embedder = createEmbedder({
      baseUrl: emulator.url,
      apiKey: 'k',
      onUsage: (_model, more) => (tokens += more),
    });
    const texts = Array.from({ length: 150 }, (_, n) => `text number ${n}`);
    const vectors = await embedder.embed('m', texts);
    const calls = emulator.requests.map(({ body }) => inputs.parse(body).input.length);
    expect(calls).toEqual([64, 64, 22]);
    expect(tokens).toBeGreaterThan(0);
    const [again] = await embedder.embed('m', ['text number 70']);
    expect(vectors[70]).toEqual(again);
    expect(Math.hypot(...(again ?? []))).toBeCloseTo(1);
  });

  it('again where the server is busy, as long as it asks for', async () => {
    const emulator = await startEmulator();
    emulator.fail({ on: 'embeddings', fault: { kind: 'status', status: 429, retryAfter: 0 }, times: 1 });
    emulator.fail({ on: 'embeddings', fault: { kind: 'status', status: 503 }, times: 1 });
    const embedder = createEmbedder({ baseUrl: emulator.url, apiKey: undefined });
    await expect(embedder.embed('m', ['a'])).resolves.toHaveLength(1);
    expect(emulator.calls.embeddings).toBe(3);
  });

  it('not again where the server refuses, and then says so', async () => {
    const emulator = await startEmulator({ models: [{ id: 'other' }] });
    const embedder = createEmbedder({ baseUrl: emulator.url, apiKey: undefined });
    await expect(embedder.embed('m', ['a'])).rejects.toThrow('answered 404');
    expect(emulator.calls.embeddings).toBe(1);
  });

  it('at most a passage long each', async () => {
    const emulator = await startEmulator();
    const embedder = createEmbedder({ baseUrl: emulator.url, apiKey: undefined });
    await embedder.embed('m', ['x'.repeat(100_000), '']);
    expect(inputs.parse(emulator.requests[0]?.body).input.map(({ length }) => length)).toEqual([8_000, 1]);
  });
});

const openMeaning = async (
  model: string,
  index: Awaited<ReturnType<typeof openSqliteIndex>>,
  baseUrl: string,
) => {
  const meaning = createMeaning({
    index,
    embedder: createEmbedder({ baseUrl, apiKey: undefined }),
    model,
    logger,
  });
  onTestFinished(() => meaning.close());
  return meaning;
};
const openIndex = async () => {
  const index = await openSqliteIndex(path.join(await temporaryFolder(), 'd.db'));
  onTestFinished(() => index.close());
  return index;
};

describe('search by meaning', () => {
  it('embeds in the background, finds what is near, and what comes later', async () => {
    const index = await openIndex();
    const emulator = await startEmulator();
    await index.put(source('a', { title: '' }), [
      passage('p1', 'parcels to austria'),
      passage('p2', 'sleeping bags'),
    ]);
    const meaning = await openMeaning('m', index, emulator.url);
    expect(await meaning.nearest('a parcel', 5)).toEqual([]);
    meaning.catchUp();
    await meaning.whenDone();
    expect((await meaning.nearest('parcel for austria', 5)).map(({ id }) => id)).toEqual(['p1', 'p2']);
    await index.put(source('b', { title: '' }), [passage('q1', 'parcel for austria')]);
    await meaning.whenDone();
    const [best] = await meaning.nearest('parcel for austria', 5);
    expect(best).toMatchObject({ id: 'q1', isNear: true });
    await index.remove('b');
    // What is gone may still be near; it is no passage any more.
    const found = await index.passages((await meaning.nearest('parcel for austria', 5)).map(({ id }) => id));
    expect(found.map(({ id }) => id)).toEqual(['p1', 'p2']);
  });

  it('serves the old model’s vectors until the new one’s are there, and then drops them', async () => {
    const index = await openIndex();
    const emulator = await startEmulator();
    await index.put(
      source('a'),
      Array.from({ length: 100 }, (_, n) => passage(`p${n}`, `text number ${n}`)),
    );
    const old = await openMeaning('old', index, emulator.url);
    await old.whenDone();
    const next = await openMeaning('new', index, emulator.url);
    await next.nearest('text number 5', 3);
    const asked = z.object({ model: z.string() }).parse(emulator.requests.at(-1)?.body).model;
    expect(asked).toBe('old');
    next.catchUp();
    await vi.waitFor(async () => expect(await index.models()).toEqual([{ model: 'new', vectors: 100 }]), {
      timeout: 10_000,
    });
    expect((await next.nearest('text number 5', 1))[0]).toMatchObject({ id: 'p5' });
    expect(z.object({ model: z.string() }).parse(emulator.requests.at(-1)?.body).model).toBe('new');
  });

  it('asks for nothing more once the budget of the day is used up, and goes on after it', async () => {
    const index = await openIndex();
    const emulator = await startEmulator();
    await index.put(source('a'), [passage('p1', 'parcels to austria')]);
    let isSpent = false;
    const meaning = createMeaning({
      index,
      embedder: createEmbedder({ baseUrl: emulator.url, apiKey: undefined }),
      model: 'm',
      isSpent: async () => isSpent,
      logger,
    });
    onTestFinished(() => meaning.close());
    await meaning.whenDone();
    await index.put(source('b'), [passage('q1', 'sleeping bags')]);
    const calls = emulator.calls.embeddings;
    isSpent = true;
    expect(await meaning.nearest('a parcel', 5)).toEqual([]);
    await expect(meaning.whenDone()).rejects.toThrow('budget');
    expect(emulator.calls.embeddings).toBe(calls);
    isSpent = false;
    await meaning.whenDone();
    expect((await meaning.nearest('parcels to austria', 5))[0]).toMatchObject({ id: 'p1', isNear: true });
  });

  it('takes for near what is nearer than chance explains', async () => {
    const index = await openIndex();
    const emulator = await startEmulator();
    await index.put(
      source('a', { title: '' }),
      Array.from({ length: 200 }, (_, n) => passage(`p${n}`, `The price of article ${n} in our shop.`)),
    );
    const meaning = await openMeaning('m', index, emulator.url);
    await meaning.whenDone();
    const near = async (text: string) => (await meaning.nearest(text, 5)).filter(({ isNear }) => isNear);
    expect((await near('price of article 7')).length).toBeGreaterThan(0);
    expect(await near('Quantum mechanics explained')).toEqual([]);
  });

  it('goes on after a failure where it was', async () => {
    const index = await openIndex();
    const emulator = await startEmulator();
    await index.put(
      source('a'),
      Array.from({ length: 70 }, (_, n) => passage(`p${n}`, `text number ${n}`)),
    );
    const meaning = await openMeaning('m', index, emulator.url);
    emulator.fail({ on: 'embeddings', fault: { kind: 'status', status: 400 }, times: 1 });
    meaning.catchUp();
    await vi.waitFor(async () => expect(await index.models()).toEqual([{ model: 'm', vectors: 70 }]), {
      timeout: 20_000,
      interval: 50,
    });
    expect(emulator.calls.embeddings).toBe(3);
  });
});

describe('a scan of vectors', () => {
  const random = (() => {
    let state = 7;
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  })();
  const near = (center: readonly number[], by: number) =>
    unit(center.map((number) => number + by * (random() - 0.5)));

  it('finds the nearest exactly, best first', () => {
    const scan = createVectorScan(3);
    for (const vector of [
      [1, 0, 0],
      [0.9, 0.1, 0],
      [0, 1, 0],
      [0, 0, 1],
    ])
      scan.add(unit(vector));
    expect(scan.add(unit([1, 2]))).toBe(false);
    const found = scan.search(unit([1, 0.02, 0]), 2);
    expect(found.map(({ row }) => row)).toEqual([0, 1]);
    expect(found[0]?.similarity).toBeGreaterThan(0.99);
    expect(scan.count).toBe(4);
    expect(scan.search(unit([1, 0]), 2)).toEqual([]);
  });

  it('finds nearly all of the nearest where there are too many to look at each whole', () => {
    const dimensions = 512;
    const scan = createVectorScan(dimensions);
    const bias = Array.from({ length: dimensions }, () => random());
    const centers = Array.from({ length: 200 }, () => bias.map((number) => number + 1.5 * (random() - 0.5)));
    const all: Float32Array[] = [];
    for (let n = 0; n < 20_000; n += 1) {
      const vector = near(centers[n % centers.length] ?? [], 1.5);
      all.push(vector);
      scan.add(vector);
    }
    let found = 0;
    for (let n = 0; n < 10; n += 1) {
      const query = near(centers[n * 17] ?? [], 1.5);
      const exact = all
        .map((vector, row) => ({
          row,
          similarity: vector.reduce((sum, number, at) => sum + number * (query[at] ?? 0), 0),
        }))
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, 10)
        .map(({ row }) => row);
      const rows = new Set(scan.search(query, 10).map(({ row }) => row));
      found += exact.filter((row) => rows.has(row)).length;
    }
    expect(found).toBeGreaterThanOrEqual(95);
  });
});
