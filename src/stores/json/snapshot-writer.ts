import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Low } from 'lowdb';
import type { Logger } from '../../chat/ports.ts';
import { planArchive, writeArchive } from './archive.ts';
import { eraseArchived } from './erase.ts';
import type { Journal } from './journal.ts';
import { removeParts } from './journal-part.ts';
import { LogFile } from './log-file.ts';
import type { Memory } from './memory.ts';
import { archiveLine } from './records.ts';
import { emptyState, StateFile } from './state-file.ts';
import type { Tuning } from './tuning.ts';

/** The files of a data folder. */
export const placesIn = (dir: string) => ({
  log: join(dir, 'conversations.json'),
  state: join(dir, 'state.json'),
  journal: join(dir, 'journal'),
  archive: join(dir, 'archive'),
});

/** lowdb's view of the two files. */
export const openFiles = (dir: string, memory: Memory, logger: Logger) => ({
  conversations: new Low(new LogFile(placesIn(dir).log), memory.log),
  state: new Low(new StateFile(placesIn(dir).state, logger), emptyState()),
});

/** Bytes that a snapshot leaves free for the journal. */
const SPARE_BYTES = 1024 * 1024;

/** @throws Error where the disk has no room for a file of so many bytes: half of it would only be in the way. */
const needRoom = async (dir: string, bytes: number): Promise<void> => {
  const { blocks, bfree, bsize } = await statfs(dir);
  // Some file systems do not tell, and give zero.
  if (blocks > 0 && bfree * bsize < bytes + SPARE_BYTES) {
    throw new Error(`there is no room for ${bytes} more bytes in ${dir}`);
  }
};

/** Exchanges taken out of memory in one go. */
const REMOVED_AT_ONCE = 2000;

/** Writes what a crash left promised: archive files, and then the log without what is in them. */
export const finishArchiving = async (dir: string, memory: Memory): Promise<void> => {
  for (let intent = memory.archiving[0]; intent; intent = memory.archiving[0]) {
    await writeArchive(memory.log, placesIn(dir).archive, intent);
    const ids = intent.files.flatMap((file) => file.ids);
    while (ids.length > 0) {
      memory.removeArchived(ids.splice(0, REMOVED_AT_ONCE));
      await setImmediate();
    }
    memory.archiving.shift();
  }
};

/** Brings memory into the files, so that the journal can be shortened. */
export interface SnapshotWriter {
  /**
   * Archives what is over the size limit, then writes what changed since the last time.
   * @returns Milliseconds that rewriting conversations.json took; undefined where it had not changed.
   */
  write(): Promise<number | undefined>;
  /** What was written is not there any more. */
  forget(): void;
}

/**
 * @param deps.upToDate Whether the files hold already all that memory does.
 * @param deps.firstPart The part with which the journal began.
 * @param deps.damaged Journal parts to keep as evidence.
 */
export const createSnapshotWriter = (deps: {
  dir: string;
  memory: Memory;
  journal: Journal;
  files: ReturnType<typeof openFiles>;
  maxBytes: number;
  upToDate: { log: boolean; state: boolean };
  firstPart: number;
  damaged: ReadonlySet<number>;
  tuning: Tuning;
  logger: Logger;
}): SnapshotWriter => {
  const { dir, memory, journal, files, maxBytes, tuning, logger } = deps;
  const places = placesIn(dir);
  let writtenVersion = deps.upToDate.log ? memory.log.version : undefined;
  let stateWritten = deps.upToDate.state;
  let writtenFrom = deps.firstPart;
  let archiveFails = false;

  const archiveOldest = async (): Promise<void> => {
    await finishArchiving(dir, memory);
    if (memory.log.bytes <= maxBytes) return;
    const keep = maxBytes * tuning.keepShare;
    while (memory.log.bytes > keep && memory.log.size > 0) {
      const intent = await planArchive(memory.log, places.archive, memory.log.bytes - keep);
      // Durable before the first file is: a crash in between is made good at the next start, with the same
      // exchanges in the same files.
      await journal.append(archiveLine(intent));
      memory.archiving.push(intent);
      await finishArchiving(dir, memory);
      memory.log.gather();
      logger.info({ files: intent.files.map(({ name }) => name) }, 'the oldest exchanges were archived');
    }
  };

  const tryArchive = async (): Promise<void> => {
    try {
      await archiveOldest();
      archiveFails = false;
    } catch (error) {
      // A log that is too large is better than one that is not written.
      if (!archiveFails) logger.warn({ err: error }, 'the oldest exchanges could not be archived');
      archiveFails = true;
    }
  };

  const tryErase = async (): Promise<void> => {
    const due = [...memory.erasing];
    if (due.length === 0) return;
    try {
      await eraseArchived(places.archive, due);
      memory.erasing = memory.erasing.filter((one) => !due.includes(one));
      stateWritten = false;
    } catch (error) {
      // One archive file that cannot be read must not keep the log from being written; whoever cleared is told.
      logger.warn({ err: error }, 'what a visitor cleared could not be taken out of the archive');
    }
  };

  return {
    async write() {
      const trouble = journal.trouble();
      if (trouble) throw trouble;
      await tryArchive();
      await tryErase();
      if (memory.log.version !== writtenVersion) await needRoom(dir, memory.log.bytes);
      const from = await journal.rotate();
      const { version } = memory.log;
      const logChanged = version !== writtenVersion;
      if (!logChanged && stateWritten && writtenFrom === from) return undefined;
      stateWritten = false;
      // Taken in the same breath as the log, below: an exchange is unfinished in one or finished in the other.
      files.state.data = {
        journalFrom: from,
        archiving: [...memory.archiving],
        erasing: [...memory.erasing],
        days: [...memory.days],
        taken: [...memory.taken.values()],
        threads: memory.threads,
        facts: [...memory.facts],
        vouched: memory.vouched,
        ended: memory.ended,
        keys: [...memory.keys],
      };
      const start = performance.now();
      if (logChanged) await files.conversations.write();
      const took = logChanged ? performance.now() - start : undefined;
      writtenVersion = version;
      // After the log: the state says which journal parts are of no use any more.
      await files.state.write();
      stateWritten = true;
      writtenFrom = from;
      await removeParts(places.journal, from, deps.damaged);
      return took;
    },
    forget() {
      writtenVersion = undefined;
    },
  };
};
