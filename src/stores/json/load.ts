import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../chat/ports.ts';
import { errnoOf, TEMP_SUFFIX } from '../../log-file/durable-file.ts';
import { removeParts } from './journal-part.ts';
import { Memory } from './memory.ts';
import { replayParts } from './replay.ts';
import { finishArchiving, openFiles, placesIn } from './snapshot-writer.ts';

const removeTemps = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch(() => []);
  const temps = names.filter((name) => name.endsWith(TEMP_SUFFIX));
  await Promise.all(temps.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
};

/** What a start finds in the data folder. */
export interface Loaded {
  readonly memory: Memory;
  readonly files: ReturnType<typeof openFiles>;
  /** The ids of messages that an earlier process took and did not finish. */
  readonly interrupted: ReadonlySet<string>;
  /** The number for the first new part of the journal. */
  readonly nextPart: number;
  /** Whether conversations.json holds all that memory does, and whether state.json does. */
  readonly upToDate: { readonly log: boolean; readonly state: boolean };
  /** Journal parts to keep as evidence. */
  readonly damaged: ReadonlySet<number>;
  /** Reads the journal if that was not possible at the start. */
  readJournal(): Promise<void>;
}

/**
 * Reads conversations.json, state.json and the journal, and finishes what a crash left half done.
 * @throws Error where one of them cannot be read, or conversations.json is not valid.
 */
export const load = async (dir: string, logger: Logger): Promise<Loaded> => {
  const places = placesIn(dir);
  await Promise.all([removeTemps(dir), removeTemps(places.archive)]);
  const memory = new Memory();
  const files = openFiles(dir, memory, logger);
  const none = files.conversations.data;
  await files.conversations.read();
  await files.state.read();
  const from = files.state.data.journalFrom;
  memory.load(files.conversations.data, files.state.data);
  const { version } = memory.log;

  const interrupted = new Set<string>();
  const damaged = new Set<number>();
  let nextPart = from;
  let journalChanged = false;
  let journalRead = false;
  const readParts = async (): Promise<void> => {
    const replayed = await replayParts(places.journal, from, (record) => memory.apply(record), logger);
    nextPart = Math.max(replayed.last + 1, from);
    for (const number of replayed.damaged) damaged.add(number);
    journalChanged = replayed.changed;
    if (!journalChanged) await removeParts(places.journal, nextPart).catch(() => undefined);
  };
  const readJournal = async (): Promise<void> => {
    if (journalRead) return;
    try {
      await readParts();
      journalRead = true;
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        throw new Error(`${places.journal} cannot be read.`, { cause: error });
      }
      journalRead = code === 'ENOENT';
    }
    for (const id of memory.taken.keys()) interrupted.add(id);
  };
  // Where `journal` is no folder there is nothing to read, and nothing can be written until it is mended.
  await readJournal();
  await finishArchiving(dir, memory).catch((error: unknown) => {
    logger.warn({ err: error }, 'the oldest exchanges could not be archived');
  });

  const upToDate = {
    log: files.conversations.data !== none && memory.log.version === version,
    state: !journalChanged && memory.erasing.length === 0,
  };
  return { memory, files, interrupted, nextPart, upToDate, damaged, readJournal };
};
