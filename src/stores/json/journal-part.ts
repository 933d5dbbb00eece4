import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FILE_MODE, makeFolder, syncFolder, writeAll } from '../../log-file/durable-file.ts';
import { partLine } from './records.ts';

/** One file of the journal, open for appending. */
export interface JournalPart {
  readonly number: number;
  /** Bytes that are durable. */
  readonly bytes: number;
  /** Whether nothing was appended yet. */
  readonly isEmpty: boolean;
  /**
   * Makes lines durable, all or none as far as the disk lets us: after a failure the file is cut back.
   * Nothing may be appended after a failure: the kernel may have dropped what an fsync could not write.
   */
  append(lines: string): Promise<void>;
  /** Whether the file is still where it was made. */
  isInPlace(): Promise<boolean>;
  close(): Promise<void>;
}

const NAME = /^(\d{6,})\.ndjson$/;
const nameOf = (number: number): string => `${String(number).padStart(6, '0')}.ndjson`;

/** Where a part is. */
export const partPath = (folder: string, number: number): string => join(folder, nameOf(number));

/** The numbers of the parts in a journal folder, in order. */
export const listParts = async (folder: string): Promise<number[]> => {
  const names = await readdir(folder);
  return names
    .map((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
};

/**
 * Removes the parts before a number; damaged ones are kept under another name as evidence.
 * In order, so that an interrupted removal leaves no gap.
 */
export const removeParts = async (
  folder: string,
  before: number,
  damaged: ReadonlySet<number> = new Set(),
): Promise<void> => {
  const old = (await listParts(folder)).filter((number) => number < before);
  for (const number of old) {
    const path = partPath(folder, number);
    if (damaged.has(number)) await rename(path, `${path}.damaged`);
    else await rm(path, { force: true });
  }
  if (old.length > 0) await syncFolder(folder);
};

/**
 * Makes a new part: the file, its first line and its name in the folder are durable when this resolves.
 * @param now Milliseconds since 1970.
 * @throws The system's error, `EEXIST` among them; then no file of ours is left where that can be helped.
 */
export const createPart = async (folder: string, number: number, now: number): Promise<JournalPart> => {
  await makeFolder(folder);
  const path = partPath(folder, number);
  const handle = await open(path, 'ax', FILE_MODE);
  const head = Buffer.from(partLine(number, now));
  let bytes = 0;

  const write = async (data: Buffer): Promise<void> => {
    try {
      await writeAll(handle, data);
      await handle.datasync();
      bytes += data.length;
    } catch (error) {
      const cutBack = async (): Promise<void> => {
        await handle.truncate(bytes);
        await handle.datasync();
      };
      // Where even that fails, the torn line stays the last of its part, and readers drop it.
      await cutBack().catch(() => undefined);
      throw error;
    }
  };

  let inode: number;
  try {
    inode = (await handle.stat()).ino;
    // Written at once: a disk that is full shows it here, before any message depends on it.
    await write(head);
    await syncFolder(folder);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }

  return {
    number,
    get bytes() {
      return bytes;
    },
    get isEmpty() {
      return bytes <= head.length;
    },
    append: (lines) => write(Buffer.from(lines)),
    async isInPlace() {
      const found = await stat(path).catch(() => undefined);
      return found?.ino === inode;
    },
    close: () => handle.close(),
  };
};
