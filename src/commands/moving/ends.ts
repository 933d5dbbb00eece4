import { z } from 'zod';
import { type LogRow, lineOf } from '../../log-file/log-row.ts';
import type { Batch, MovingStore } from '../../log-file/moving-store.ts';
import { FolderInUseError } from '../../stores/sqlite/lock.ts';
import { holdsDatabase, holdsStore, openMovingFolder } from '../../stores/transfer/moving.ts';
import { Refusal, warningsOnly } from '../command.ts';
import type { Moving, Source, Target } from './stores.ts';

/** Milliseconds in which a server gives several signs of life. */
const LIFE_MS = 4000;
/** What goes into one write. */
const BATCH_EXCHANGES = 2000;
const BATCH_BYTES = 2 * 1024 * 1024;
/** Threads and the like that go into one write. */
const BATCH_FACTS = 5000;

/** Where a store is, and how it is opened. */
export type StorePlace = { readonly url: string } | { readonly dir: string };

export interface OpenDeps {
  /** Bytes over which the oldest exchanges of a folder go into its archive. */
  readonly maxBytes: number;
  /** The schema of our tables in a database, where it is named. */
  readonly schema: string | undefined;
  /** Milliseconds that a database is waited for that is not there. */
  readonly wait: number;
  readonly warn: (text: string) => void;
}

/**
 * Opens a store for reading and filling it in bulk; a folder is made if it is not there.
 * @throws Refusal where a service runs on the folder.
 */
export const openMoving = async (place: StorePlace, deps: OpenDeps): Promise<MovingStore> => {
  const logger = warningsOnly(deps.warn);
  if ('dir' in place) {
    const { maxBytes } = deps;
    return openMovingFolder({ dir: place.dir, maxBytes, clock: { now: () => Date.now() }, logger }).catch(
      (error: unknown) => {
        if (!(error instanceof FolderInUseError)) throw error;
        throw new Refusal(`${error.message} Stop the service first.`);
      },
    );
  }
  // Loaded only where it is used.
  const { openMovingStore } = await import('../../stores/postgres/moving/moving.ts');
  return openMovingStore({ url: place.url, schema: deps.schema, wait: deps.wait, logger });
};

const movingOf = (row: LogRow): Moving => ({ id: row.id, line: lineOf(row), row });

async function* pagesOf(store: MovingStore): AsyncGenerator<Moving[]> {
  for await (const page of store.exchanges()) yield page.map(movingOf);
}

/** What messages call it; never with a password. */
const nameOf = (place: StorePlace, store: MovingStore): string =>
  'dir' in place ? store.place : `postgres://${store.place}`;

/** What `rows` are: a batch each. */
function* batches<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += BATCH_FACTS) yield rows.slice(at, at + BATCH_FACTS);
}

const refuseUsed = async (store: MovingStore): Promise<void> => {
  if (!(await store.isInUse(LIFE_MS))) return;
  throw new Refusal(`${store.place} is in use by a server. Stop all of them first.`);
};

/**
 * The source of a move.
 * @throws Refusal where a server runs on it, there is nothing in it, or it is half-moved.
 */
export const openSource = async (place: StorePlace, deps: OpenDeps): Promise<Source> => {
  if ('dir' in place && !(await holdsStore(place.dir))) {
    throw new Refusal(`There is nothing to move in ${place.dir}.`);
  }
  const store = await openMoving(place, deps);
  try {
    const note = await store.note();
    if (note !== undefined) {
      throw new Refusal(`${store.place} is half-moved itself (from ${note}): complete that move first.`);
    }
    await refuseUsed(store);
    const before = JSON.stringify(await store.counts());
    const left = (await store.counts()).threads - (await store.facts()).threads.length;
    return {
      name: nameOf(place, store),
      remarks: left > 0 ? [`${left} threads of names that no visitor can have are not taken along.`] : [],
      async *pages() {
        yield* pagesOf(store);
        // A server would log them so at its next start.
        yield (await store.unfinished()).map(movingOf);
      },
      facts: () => store.facts(),
      check: async () => {
        await refuseUsed(store);
        if (JSON.stringify(await store.counts()) === before) return;
        throw new Refusal(`${store.place} was changed while it was moved. Run the same move again.`);
      },
      close: () => store.close(),
    };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
};

const positionSchema = z.object({ digest: z.string(), exchanges: z.number() });

/** The target of a move. */
export const openTarget = async (place: StorePlace, deps: OpenDeps): Promise<Target> => {
  if ('dir' in place && !(await holdsDatabase(place.dir)) && (await holdsStore(place.dir))) {
    throw new Refusal(`${place.dir} has data of its own. Name an empty one, or one that is not there yet.`);
  }
  const store = await openMoving(place, deps);
  let position = { digest: '', exchanges: 0 };
  const add = async (batch: Batch, exchanges = position.exchanges): Promise<void> => {
    position = { ...position, exchanges };
    await store.add(batch, JSON.stringify(position));
  };

  const refuseOwnData = async (): Promise<void> => {
    // Facts and counts of days are a server's own, which was started on it before.
    const { facts: _, days: __, ...counts } = await store.counts();
    if (Object.values(counts).some((count) => count > 0)) {
      throw new Refusal(
        `${store.place} has data of its own. Name an empty one, or one that is not there yet.`,
      );
    }
    await refuseUsed(store);
  };

  return {
    name: nameOf(place, store),
    begin: async (from, all) => {
      const isNew = (await store.note()) === undefined;
      // First the note, so that no server comes in behind the look.
      const found = await store.claim(from);
      if (found !== from) {
        throw new Refusal(
          `Into ${store.place} another move is under way, from ${found}. Complete that one, or name another store.`,
        );
      }
      if (isNew) {
        await refuseOwnData().catch(async (thrown: unknown) => {
          await store.unclaim();
          throw thrown;
        });
      }
      const text = await store.position();
      const known = text === undefined ? undefined : positionSchema.parse(JSON.parse(text));
      if (known?.digest === all.digest) position = known;
      else {
        // What is there is of this move, and the source is not what it was then.
        await store.wipe();
        position = { digest: all.digest, exchanges: 0 };
      }
    },
    fill: async (source, facts, { signal, onProgress }) => {
      let rows: LogRow[] = [];
      let bytes = 0;
      let done = 0;
      const flush = async (): Promise<void> => {
        if (rows.length === 0) return;
        await add({ exchanges: rows }, done);
        rows = [];
        bytes = 0;
        signal.throwIfAborted();
        onProgress(done);
      };
      const there = position.exchanges;
      for await (const page of source.pages()) {
        for (const { row } of page) {
          done++;
          if (done <= there) continue;
          rows.push(row);
          bytes += 2 * (row.user.length + (row.bot?.length ?? 0)) + (row.more?.length ?? 0);
          if (rows.length >= BATCH_EXCHANGES || bytes >= BATCH_BYTES) await flush();
        }
        signal.throwIfAborted();
      }
      await flush();
      for (const threads of batches(facts.threads)) await add({ threads });
      for (const keys of batches(facts.keys)) await add({ keys });
      for (const verified of batches(facts.verified)) await add({ verified });
      for (const ended of batches(facts.ended)) await add({ ended });
      await add({ facts: facts.facts, days: facts.days });
    },
    pages: () => pagesOf(store),
    facts: () => store.facts(),
    distrust: () => store.add({}, JSON.stringify({ digest: '', exchanges: 0 })),
    complete: () => store.complete(),
    close: () => store.close(),
  };
};
