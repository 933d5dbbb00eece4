import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** Bytes after which a long file is synced while it is written. */
const SYNC_EVERY = 4 * 1024 * 1024;

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** What a half-written file is called until it is complete. */
export const TEMP_SUFFIX = '.tmp';

/** The `code` of a system error (`ENOENT`, …); undefined for anything else. */
export const errnoOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;

/** Writes all of it: one write() may take only a part, as it does when the disk is nearly full. */
export const writeAll = async (handle: FileHandle, data: Uint8Array): Promise<void> => {
  for (let written = 0; written < data.length; ) {
    const { bytesWritten } = await handle.write(data, written, data.length - written);
    written += bytesWritten;
  }
};

/** Makes the names in a folder (new, renamed, removed files) durable. */
export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems (network ones, those of Windows under WSL) have no such thing.
    if (!['EINVAL', 'ENOTSUP'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
};

/** Makes a folder that only we may enter, unless it is there. */
export const makeFolder = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE }).catch((error: unknown) => {
    if (errnoOf(error) === 'EEXIST') throw new Error(`${path} is not a folder`, { cause: error });
    // On a read-only disk Node.js says ENOENT here; without `recursive` it gives the system's reason.
    return errnoOf(error) === 'ENOENT' ? mkdir(path, FOLDER_MODE).then(() => path) : Promise.reject(error);
  });
  if (first !== undefined) await syncFolder(dirname(first));
};

/** A text in pieces. */
export type Slices = Iterable<string | Buffer> | AsyncIterable<string | Buffer>;

const writeSlices = async (path: string, mode: number, slices: Slices): Promise<void> => {
  const handle = await open(path, 'w', mode);
  try {
    let unsynced = 0;
    for await (const slice of slices) {
      const data = typeof slice === 'string' ? Buffer.from(slice) : slice;
      // Waiting for each write is the backpressure: there is never more than one slice in memory.
      await writeAll(handle, data);
      unsynced += data.length;
      if (unsynced >= SYNC_EVERY) {
        // One sync of all at the end would hold up the journal's syncs behind it.
        await handle.datasync();
        unsynced = 0;
      }
      await setImmediate();
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/**
 * Writes a file so that at every moment, through a crash or a power cut too, its path holds either the old
 * content or the whole new one: temp file, fsync, rename, fsync of the folder.
 * The event loop runs between two slices, so a slice must be short.
 */
export const replaceFile = async (path: string, mode: number, slices: Slices): Promise<void> => {
  const temp = `${path}${TEMP_SUFFIX}`;
  try {
    await writeSlices(temp, mode, slices);
    await rename(temp, path);
  } catch (error) {
    // On a full disk the half-written file takes the room that the journal needs.
    await rm(temp, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
};
