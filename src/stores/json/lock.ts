import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../../log-file/durable-file.ts';

/** The right to be the only process on a folder. */
export interface Lock {
  /**
   * Makes sure that the lock in the folder is still ours; takes it anew where the folder was replaced.
   * @throws Error where another process has it.
   */
  renew(): Promise<void>;
  release(): void;
}

/** Another process has the folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

const BUSY = 5; // SQLITE_BUSY

const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Error && 'errcode' in thrown && thrown.errcode === BUSY;

const take = (folder: string, path: string): DatabaseSync => {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    // Its own journal in memory: then the transaction writes nothing, and a full disk is no hindrance.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) {
      throw new FolderInUseError(`The data folder ${folder} is in use by another process.`, { cause: error });
    }
    throw new Error(`The data folder ${folder} cannot be locked (${path}).`, { cause: error });
  }
};

const NAME = 'lock.db';

const inode = async (path: string): Promise<number | undefined> => {
  const found = await stat(path).catch(() => undefined);
  return found?.ino;
};

/**
 * Takes the lock of a folder: an exclusive SQLite transaction, held for life. The kernel frees it with the
 * process, however that ends; a PID file would outlive a SIGKILL.
 * @throws Error that names the folder, at once, where another process has it or it cannot be locked.
 */
export const lockFolder = async (folder: string): Promise<Lock> => {
  const path = join(folder, NAME);
  let database = take(folder, path);
  let held = await inode(path);
  return {
    async renew() {
      if (held !== undefined && (await inode(path)) === held) return;
      // The file that we hold is gone from its place. The new lock is taken before the old one is let go.
      const next = take(folder, path);
      database.close();
      database = next;
      held = await inode(path);
    },
    release() {
      if (database.isOpen) database.close();
    },
  };
};

/** Takes the lock of a folder in which a store was opened before; undefined where none was: nothing is made. */
export const lockIfThere = async (folder: string): Promise<Lock | undefined> =>
  (await inode(join(folder, NAME))) === undefined ? undefined : lockFolder(folder);

/** Makes a data folder if it is missing, and takes its lock. @throws Error that names the folder. */
export const makeAndLock = async (folder: string): Promise<Lock> => {
  await makeFolder(folder).catch((error: unknown) => {
    throw new Error(`The data folder ${folder} cannot be made.`, { cause: error });
  });
  return lockFolder(folder);
};
