import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../chat/ports.ts';
import type { DocumentIndex } from '../index/index-port.ts';
import type { MeaningSearch } from '../search/search.ts';
import { floorOf, STRAY_QUESTIONS } from './chance.ts';
import type { Embedder } from './embedder.ts';
import { createNearestPassages, type NearestPassages } from './nearest-passages.ts';

/** Passages that are embedded at a time. */
const BATCH = 64;
/** How long a visitor waits for the vector of a question; after it words alone must do. */
const QUESTION_MS = 4_000;
/** How long the embedding of passages rests after a failure, doubled with each. */
const FIRST_REST_MS = 1_000;
const MAX_REST_MS = 10 * 60_000;
/** Where the number of passages has changed by so much, it is asked anew what nearness chance explains. */
const CHANGED_SHARE = 0.1;
/** Passages of one search that may count as near: words say more than a crowd that is a little nearer. */
const MAX_NEAR = 4;

export interface MeaningDeps {
  readonly index: DocumentIndex;
  readonly embedder: Embedder;
  readonly model: string;
  /** Passages up to which all vectors are searched in memory. */
  readonly inMemory?: number;
  /** Whether nothing more may be spent today. */
  readonly isSpent?: (() => Promise<boolean>) | undefined;
  readonly logger: Logger;
}

/** Search by meaning, and what keeps its vectors up to date. */
export interface Meaning extends MeaningSearch {
  /** Embeds in the background what has no vector yet. Called whenever passages have come. */
  catchUp(): void;
  /** Resolves when nothing is left to embed. @throws Error where that fails. */
  whenDone(): Promise<void>;
  close(): Promise<void>;
}

export const createMeaning = ({
  index,
  embedder,
  model,
  inMemory,
  isSpent,
  logger,
}: MeaningDeps): Meaning => {
  const stop = new AbortController();
  const vectors = new Map<string, NearestPassages>();
  let job: Promise<void> | undefined;
  let isWanted = false;

  const vectorsOf = (name: string): NearestPassages => {
    const there = vectors.get(name) ?? createNearestPassages({ index, model: name, inMemory, logger });
    vectors.set(name, there);
    return there;
  };

  /** Embeds what is missing; then the vectors of other models have served their time. */
  const embedAll = async (): Promise<void> => {
    for (;;) {
      stop.signal.throwIfAborted();
      const missing = await index.unembedded(model, BATCH);
      if (missing.length === 0) break;
      if (await isSpent?.()) throw new Error('the budget of the day is used up');
      const made = await embedder.embed(
        model,
        missing.map(({ text }) => text),
        { signal: stop.signal },
      );
      const rows = missing.flatMap(({ id }, at) => {
        const vector = made[at];
        return vector ? [{ id, vector }] : [];
      });
      await index.putVectors(model, rows);
    }
    for (const { model: other } of await index.models()) {
      if (other === model) continue;
      await index.dropModel(other);
      await vectors.get(other)?.close();
      vectors.delete(other);
      logger.info({ model, replaced: other }, 'all passages are embedded with the new model');
    }
  };

  let pass: Promise<void> | undefined;
  /** One at a time: what two embed at once is paid for twice. */
  const embedOnce = (): Promise<void> => {
    pass ??= embedAll().finally(() => {
      pass = undefined;
    });
    return pass;
  };

  const runJob = async (): Promise<void> => {
    let rest = FIRST_REST_MS;
    while (isWanted && !stop.signal.aborted) {
      isWanted = false;
      try {
        await embedOnce();
        rest = FIRST_REST_MS;
      } catch (thrown) {
        if (stop.signal.aborted) return;
        logger.warn({ model, reason: String(thrown) }, 'passages could not be embedded; it is tried again');
        isWanted = true;
        await sleep(rest, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
        rest = Math.min(MAX_REST_MS, 2 * rest);
      }
    }
  };

  let counted: { readonly version: number; readonly models: ReturnType<DocumentIndex['models']> } | undefined;
  /** Counted anew only where something has changed: they may be very many. */
  const modelsNow = async () => {
    const version = await index.version();
    if (counted?.version !== version) counted = { version, models: index.models() };
    return counted.models;
  };
  /** The model whose vectors serve: the new one when all is embedded, until then the one before it. */
  const serving = async () => {
    const models = await modelsNow();
    const own = models.find((one) => one.model === model);
    const other = models.filter((one) => one.model !== model).toSorted((a, b) => b.vectors - a.vectors)[0];
    return other && other.vectors > (own?.vectors ?? 0) ? other : own;
  };

  const floors = new Map<string, { readonly floor: Promise<number>; readonly count: number }>();
  /** The cosine above which a passage is near. @param count Passages that have a vector. */
  const floorNow = (served: string, count: number): Promise<number> => {
    const there = floors.get(served);
    if (there && Math.abs(there.count - count) <= CHANGED_SHARE * there.count) return there.floor;
    const floor = (async () => {
      const strays = await embedder.embed(served, STRAY_QUESTIONS, { signal: stop.signal, tries: 2 });
      const best: number[] = [];
      for (const stray of strays)
        best.push((await vectorsOf(served).search(stray, 1, count))[0]?.similarity ?? 0);
      return floorOf(best);
    })();
    const own = { floor, count };
    floors.set(served, own);
    floor.catch(() => {
      if (floors.get(served) === own) floors.delete(served);
    });
    return floor;
  };

  return {
    catchUp: () => {
      isWanted = true;
      job ??= runJob().finally(() => {
        job = undefined;
      });
    },
    whenDone: embedOnce,
    nearest: async (text, limit) => {
      try {
        const served = await serving();
        if (served === undefined || (await isSpent?.())) return [];
        const { model: name, vectors: count } = served;
        const [query] = await embedder.embed(name, [text], {
          signal: AbortSignal.any([stop.signal, AbortSignal.timeout(QUESTION_MS)]),
          tries: 2,
        });
        if (!query) return [];
        const near = await vectorsOf(name).search(query, limit, count);
        if (near.length === 0) return [];
        const floor = await floorNow(name, count);
        return near.map(({ id, similarity }, rank) => ({
          id,
          similarity,
          isNear: rank < MAX_NEAR && similarity >= floor,
        }));
      } catch (thrown) {
        if (!stop.signal.aborted) {
          logger.warn(
            { model, reason: String(thrown) },
            'a question could not be embedded; words alone are searched',
          );
        }
        return [];
      }
    },
    close: async () => {
      stop.abort(new Error('stopping'));
      await job;
      for (const one of vectors.values()) await one.close();
    },
  };
};
