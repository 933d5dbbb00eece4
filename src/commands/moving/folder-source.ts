import { hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import { errnoOf } from '../../log-file/durable-file.ts';
import { fits, rowOf } from '../../log-file/log-row.ts';
import { readByTime } from '../../stores/json/folder-by-time.ts';
import { archiveFiles, type FolderExchange } from '../../stores/json/folder-log.ts';
import { listParts } from '../../stores/json/journal-part.ts';
import { openJsonStore } from '../../stores/json/json-store.ts';
import { FolderInUseError, type Lock, makeAndLock } from '../../stores/json/lock.ts';
import { LogFile } from '../../stores/json/log-file.ts';
import { placesIn } from '../../stores/json/snapshot-writer.ts';
import { emptyState, readState, type State } from '../../stores/json/state-file.ts';
import type { MovedFacts } from '../../stores/postgres/moving/moving.ts';
import { storable } from '../../stores/postgres/rows.ts';
import { Refusal, warningsOnly } from '../command.ts';
import type { Moving, Source } from './stores.ts';

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR',
  );

/** The lock of a data folder, which a service that runs on it would have. */
export const lockOf = async (dir: string): Promise<Lock> =>
  makeAndLock(dir).catch((error: unknown) => {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new Refusal(`${error.message} Stop the service first.`);
  });

/** Whether a store was ever kept in this folder. */
export const holdsStore = async (dir: string): Promise<boolean> => {
  const { log, state, journal } = placesIn(dir);
  const files = await Promise.all([log, state].map(isThere));
  const parts = await listParts(journal).catch(() => []);
  return files.includes(true) || parts.length > 0 || (await archiveFiles(dir)).length > 0;
};

/** Whether more is in this folder than a service leaves there that nobody has written to. */
export const holdsData = async (dir: string): Promise<boolean> => {
  const { log, state: file, journal } = placesIn(dir);
  const parts = await listParts(journal).catch(() => []);
  if (parts.length > 0 || (await archiveFiles(dir)).length > 0) return true;
  if (((await new LogFile(log).read())?.size ?? 0) > 0) return true;
  const state = (await isThere(file)) ? await readState(file) : emptyState();
  const { threads, keys, vouched, ended, taken } = state;
  return [threads, keys, vouched, ended, taken].some((list) => [...list].length > 0);
};

/** Does what a start of the service and its stop would do: afterwards all is in the files, and nothing is half done. */
const bringIntoFiles = async (dir: string, maxBytes: number, warn: (text: string) => void): Promise<void> => {
  const store = await openJsonStore({
    dir,
    maxBytes,
    lock: await lockOf(dir),
    clock: { now: () => Date.now() },
    logger: warningsOnly(warn),
  });
  try {
    for (const message of await store.interrupted()) {
      await store.finish({ ...message, bot: null, error: 'internal_error' });
    }
    await store.snapshot();
  } catch (thrown) {
    const cause = thrown instanceof AppError ? thrown.cause : thrown;
    throw new Refusal(`${dir} cannot be made ready: ${cause instanceof Error ? cause.message : cause}.`);
  } finally {
    await store.close();
  }
};

/** What state.json holds. @throws Refusal where something is under way in the folder. */
const stateIn = async (dir: string): Promise<State> => {
  const { state: file, journal } = placesIn(dir);
  const state = await readState(file).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return emptyState();
    throw new Refusal(`${file} cannot be read.`);
  });
  const parts = await listParts(journal).catch(() => []);
  const left = [...parts, ...state.archiving, ...state.erasing, ...state.taken];
  if (left.length > 0) {
    throw new Refusal(
      `Something is left to be done in ${dir}: start the service on it, see what its log says, and stop it again.`,
    );
  }
  return state;
};

/** Pairs with texts for keys, as Postgres can keep them; where two become one, the later one is kept. */
const keptPairs = <T>(pairs: Iterable<readonly [string, T]>): (readonly [string, T])[] => [
  ...new Map(Array.from(pairs, ([key, value]) => [storable(key), value])),
];

/** What state.json holds, as it moves: the checksums are of what can be there afterwards. */
export const factsOf = (state: State): MovedFacts => ({
  threads: keptPairs(state.threads).map(([visitor, { id, madeBy }]) => [
    visitor,
    { id: storable(id), madeBy: storable(madeBy) },
  ]),
  keys: keptPairs(
    Array.from(state.keys, ([key, id, timestamp]) => [key, { id: storable(id), timestamp }] as const),
  ),
  vouched: [...new Set(Array.from(state.vouched, storable))],
  ended: keptPairs(state.ended),
  facts: keptPairs(state.facts).map(([name, value]) => [name, storable(value)]),
  days: keptPairs(state.days),
});

/** The pages of a folder's log in both forms. */
export async function* folderPages(
  pages: AsyncIterable<readonly FolderExchange[]>,
): AsyncGenerator<Moving[]> {
  for await (const page of pages) {
    yield page.map((one) => {
      const row = rowOf(fits(one.id) ? one : { ...one, id: `odd-${oddId(one.key, one.id)}` });
      return { id: one.id, line: { key: one.key, fields: one.fields }, row };
    });
  }
}

const oddId = (key: string, id: string): string => hash('sha256', JSON.stringify([key, id])).slice(0, 32);

/**
 * A data folder as the source of a move; it is locked until it is closed.
 * @param maxBytes The log's limit.
 * @throws Refusal where it is in use, holds nothing or is half-moved.
 */
export const openFolderSource = async (
  dir: string,
  maxBytes: number,
  warn: (text: string) => void,
): Promise<Source> => {
  if (!(await holdsStore(dir))) throw new Refusal(`There is nothing to move in ${dir}.`);
  await bringIntoFiles(dir, maxBytes, warn);
  const lock = await lockOf(dir);
  try {
    const state = await stateIn(dir);
    const threads = [...state.threads].filter(([visitor]) => fits(visitor));
    const left = [...state.threads].length - threads.length;
    const facts = factsOf({ ...state, threads });
    const remarks =
      left === 0 ? [] : [`${left} threads of names that no visitor can have are not taken along.`];
    const pages = readByTime(dir);
    return {
      name: dir,
      remarks,
      pages: () => folderPages(pages()),
      facts: async () => facts,
      check: async () => undefined,
      close: async () => lock.release(),
    };
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
};
