import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, FILE_MODE, replaceFile, syncFolder } from '../../log-file/durable-file.ts';

/** The note in a folder into which a store is being moved; it goes when all is there and checked. */
export interface FolderNote {
  /** Where from. */
  readonly from: string;
  /** What stands for all that is to be moved: the move goes on only with the same. */
  readonly digest: string;
  /** Exchanges that are in the archive's files. */
  readonly exchanges: number;
  /** The names of those files; others are half of the next step. */
  readonly files: readonly string[];
}

const noteSchema = z.object({
  from: z.string(),
  digest: z.string(),
  exchanges: z.number(),
  files: z.array(z.string()),
});

const pathIn = (dir: string): string => join(dir, 'moving.json');

/**
 * The note of a move that is under way, or was cut off; undefined where there is none.
 * @throws The system's error; Error where it makes no sense.
 */
export const readFolderNote = async (dir: string): Promise<FolderNote | undefined> => {
  const path = pathIn(dir);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return noteSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path}, the note of a move, makes no sense.`, { cause });
  }
};

export const writeFolderNote = (dir: string, note: FolderNote): Promise<void> =>
  replaceFile(pathIn(dir), FILE_MODE, [`${JSON.stringify(note)}\n`]);

export const removeFolderNote = async (dir: string): Promise<void> => {
  await rm(pathIn(dir), { force: true });
  await syncFolder(dir);
};

/** @throws Error that says what to run, where a move into this folder was cut off: half of a log is none. */
export const refuseHalfMoved = async (dir: string): Promise<void> => {
  const note = await readFolderNote(dir);
  if (!note) return;
  throw new Error(
    `The data folder ${dir} is half-moved: the move from ${note.from} is not complete. Run the same move again until it is done: npm run move -- --from ${note.from} --to ${dir}`,
  );
};
