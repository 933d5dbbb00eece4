import type { Logger } from '../../chat/ports.ts';
import type { DocumentIndex, NearPassage } from '../index/index-port.ts';
import { createVectors } from './vectors.ts';

/** Passages up to which all vectors are held in memory, where they are searched quickest. */
export const IN_MEMORY = 50_000;
/** Vectors that the database makes ready at a time. */
const PAGE = 200;

/** Finds the passages of a model whose vectors are nearest. */
export interface NearestPassages {
  /** @param count Vectors that the model has. @returns The nearest to a vector of length 1, best first. */
  search(query: Float32Array, limit: number, count: number): Promise<readonly NearPassage[]>;
  close(): Promise<void>;
}

interface Deps {
  readonly index: DocumentIndex;
  readonly model: string;
  readonly inMemory?: number | undefined;
  readonly logger: Logger;
}

/** Searches in memory, or in the database where there are more passages than that and it has something to do it with. */
export const createNearestPassages = ({
  index,
  model,
  inMemory = IN_MEMORY,
  logger,
}: Deps): NearestPassages => {
  const memory = createVectors(index, model);
  let isInMemory = false;
  let isWarned = false;
  let isReady = false;
  let preparing: Promise<void> | undefined;
  const stop = new AbortController();

  const prepareRest = async (): Promise<void> => {
    try {
      while (!stop.signal.aborted && (await index.prepareNearest(model, PAGE)) === PAGE);
    } catch (thrown) {
      if (stop.signal.aborted) return;
      logger.warn({ model, reason: String(thrown) }, 'vectors could not be made ready; it is tried again');
    } finally {
      preparing = undefined;
    }
  };
  /** Makes a few new vectors ready; more of them in the background, while what was there before goes on. */
  const prepare = async (by: string): Promise<void> => {
    if (preparing) return;
    if ((await index.prepareNearest(model, PAGE)) === PAGE) {
      preparing = prepareRest();
      return;
    }
    if (isReady) return;
    isReady = true;
    isInMemory = false;
    await memory.close();
    logger.info({ model, by }, 'vectors are searched in the database');
  };

  return {
    search: async (query, limit, count) => {
      const by = count > inMemory ? await index.nearestBy(query.length) : undefined;
      if (by !== undefined) {
        await prepare(by);
        if (isReady) return index.nearest(model, query, limit);
        if (!isInMemory) return [];
      }
      if (count > inMemory && by === undefined && !isWarned) {
        isWarned = true;
        const megabytes = Math.round((count * query.byteLength) / 1e6);
        logger.warn(
          { model, passages: count, megabytes },
          'very many vectors are held in memory: with sqlite-vec or pgvector they need not be',
        );
      }
      isInMemory = true;
      return memory.search(query, limit);
    },
    close: async () => {
      stop.abort();
      await preparing;
      await memory.close();
    },
  };
};
