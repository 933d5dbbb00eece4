import { FolderFilling } from '../../stores/json/folder-filling.ts';
import { readFolderLog } from '../../stores/json/folder-log.ts';
import {
  type FolderNote,
  readFolderNote,
  removeFolderNote,
  writeFolderNote,
} from '../../stores/json/half-moved.ts';
import { placesIn } from '../../stores/json/snapshot-writer.ts';
import { emptyState, readState } from '../../stores/json/state-file.ts';
import { defaultTuning } from '../../stores/json/tuning.ts';
import { Refusal, warningsOnly } from '../command.ts';
import { factsOf, folderPages, holdsData, lockOf } from './folder-source.ts';
import type { Target } from './stores.ts';

/**
 * A data folder as the target of a move; it is made if it is not there, and locked until it is closed.
 * @param maxBytes The log's limit: over it, the oldest exchanges go into the archive.
 * @throws Refusal where it is in use.
 */
export const openFolderTarget = async (
  dir: string,
  maxBytes: number,
  warn: (text: string) => void,
): Promise<Target> => {
  const lock = await lockOf(dir);
  let filling: FolderFilling | undefined;

  const noteFor = async (from: string, digest: string): Promise<FolderNote> => {
    const fresh = { from, digest, exchanges: 0, files: [] };
    const found = await readFolderNote(dir);
    if (!found) {
      if (!(await holdsData(dir))) return fresh;
      throw new Refusal(`${dir} has data of its own. Name an empty folder, or one that is not there yet.`);
    }
    if (found.from !== from) {
      throw new Refusal(
        `Into ${dir} another move is under way, from ${found.from}. Complete that one, or name another folder.`,
      );
    }
    return found.digest === digest ? found : fresh;
  };

  return {
    name: dir,
    begin: async (from, all) => {
      const note = await noteFor(from, all.digest);
      await writeFolderNote(dir, note);
      const archived = all.bytes > maxBytes ? all.bytes - maxBytes * defaultTuning.keepShare : 0;
      filling = new FolderFilling(dir, archived, note);
      await filling.accept();
    },
    fill: async (source, facts, { signal, onProgress }) => {
      if (!filling) throw new Error('the move was not begun');
      let done = 0;
      for await (const page of source.pages()) {
        for (const { id, line, row } of page) {
          const json = JSON.stringify(line.fields);
          await filling.add({ key: line.key, id, timestamp: row.timestamp, json });
        }
        done += page.length;
        signal.throwIfAborted();
        onProgress(done);
      }
      const { threads, keys, vouched, ended, days } = facts;
      const state = {
        ...emptyState(),
        ...{ threads, vouched, ended, days, facts: facts.facts },
        keys: keys.map(([key, { id, timestamp }]) => [key, id, timestamp] as const),
      };
      await filling.end(state, warningsOnly(warn));
    },
    pages: () => folderPages(readFolderLog(dir)),
    facts: async () => factsOf(await readState(placesIn(dir).state)),
    distrust: async () => {
      const note = await readFolderNote(dir);
      if (note) await writeFolderNote(dir, { from: note.from, digest: '', exchanges: 0, files: [] });
    },
    complete: () => removeFolderNote(dir),
    close: async () => lock.release(),
  };
};
