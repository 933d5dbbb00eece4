import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { backup } from 'node:sqlite';
import { FILE_MODE, syncFolder, TEMP_SUFFIX } from '../../log-file/durable-file.ts';
import { openReadable } from '../../sqlite/connection.ts';
import { ALL_PAGES } from '../sqlite/file-check.ts';
import { pathsIn } from '../sqlite/open-database.ts';

/** The index of documents in a data folder. */
const DOCUMENTS_FILE = 'documents.db';

/** Copies a database while others write to it; the copy appears when it is complete. @returns Its size in bytes. */
const copyOf = async (database: string, file: string): Promise<number> => {
  const temp = `${file}${TEMP_SUFFIX}`;
  await rm(temp, { force: true });
  // Before SQLite makes it, so that nobody else can read what visitors said.
  const handle = await open(temp, 'wx', FILE_MODE);
  const db = openReadable(database);
  try {
    // In one step: otherwise a busy service would make it start over again and again.
    await backup(db.database, temp, { rate: ALL_PAGES });
    await handle.sync();
    const { size } = await handle.stat();
    await rename(temp, file);
    await syncFolder(dirname(file));
    return size;
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  } finally {
    db.close();
    await handle.close();
  }
};

/**
 * Makes a consistent copy of a data folder's database, while a service writes to it.
 * @param file Where to; it appears when it is complete.
 * @returns Its size in bytes.
 * @throws Error where the folder has no database; the system's error where the file cannot be written.
 */
export const backUp = async (dir: string, file: string): Promise<number> => {
  const { database } = pathsIn(dir);
  if (!existsSync(database)) throw new Error(`There is no database in ${dir}.`);
  return copyOf(database, file);
};

/** The name of the copy of the index of documents, beside that of the database: `a.db` has `a.documents.db`. */
export const documentsCopyOf = (file: string): string => {
  const { dir, name, ext } = parse(file);
  return join(dir, `${name}.documents${ext}`);
};

/** Does the same for the index of documents. @returns Its size; undefined where the folder has none. */
export const backUpDocuments = async (dir: string, file: string): Promise<number | undefined> => {
  const database = join(dir, DOCUMENTS_FILE);
  return existsSync(database) ? copyOf(database, documentsCopyOf(file)) : undefined;
};
