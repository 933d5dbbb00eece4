import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CompactNumbers } from '../../log-file/compact-numbers.ts';
import { errnoOf } from '../../log-file/durable-file.ts';
import { olderId } from '../../log-file/older-form.ts';
import { type StoredExchange, storedExchange } from '../../log-file/stored-exchange.ts';
import { LogFile } from './log-file.ts';
import { textOf } from './slabs.ts';
import { placesIn } from './snapshot-writer.ts';

/** An exchange with all that the log has of it, the fields that we do not know among them. */
export interface FolderExchange {
  /** The key of conversations.json under which it stands. */
  readonly key: string;
  /** No other in the folder has it. */
  readonly id: string;
  /** As it stands there, with its id. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What of it we know. */
  readonly stored: StoredExchange;
}

/** Exchanges that are handed on at once. */
export const PAGE = 1000;

const NAME = /^(\d{4}-\d{2}|undated)(?:-(\d+))?\.json$/;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The archive's files, oldest first: by month, those of one month in the order in which they were written. */
export const archiveFiles = async (dir: string): Promise<string[]> => {
  const names = await readdir(placesIn(dir).archive).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const [, month = name, part = '1'] = NAME.exec(name) ?? [];
      // A time that no calendar knows may be any: the beginning is as good as another place.
      return { name, month: month === 'undated' ? '' : month, part: Number(part) };
    })
    .sort((a, b) => (a.month < b.month ? -1 : a.month > b.month ? 1 : a.part - b.part))
    .map(({ name }) => name);
};

/** The files of a folder's log: the archive's, oldest first, and the live one where it is there. */
export const filesOf = async (dir: string): Promise<string[]> => {
  const { archive, log } = placesIn(dir);
  const archived = (await archiveFiles(dir)).map((name) => join(archive, name));
  return existsSync(log) ? [...archived, log] : archived;
};

/** Gives each exchange an id of its own, and passes over those that two files have. */
export class Unique {
  /** By id: what makes an exchange the same as another one of its id, in 32 bits. */
  readonly #seen = new CompactNumbers();
  readonly #places = new CompactNumbers();

  /** @param text Its line. @returns undefined where it was there before. */
  add({ key, id, fields, stored }: FolderExchange, text: string): FolderExchange | undefined {
    const index = this.#places.get(key) ?? 0;
    const signature = hash('sha256', `${key}\n${text}`, 'buffer').readUInt32LE(0);
    const known = this.#seen.get(id);
    if (known === signature) return undefined;
    // As the store does where two in one file have the same.
    const own = known === undefined ? id : olderId(key, index, stored);
    if (known !== undefined && this.#seen.get(own) === signature) return undefined;
    this.#seen.set(own, signature);
    this.#places.set(key, index + 1);
    if (own === id) return { key, id, fields, stored };
    return { key, id: own, fields: { ...fields, older_id: fields.id, id: own }, stored };
  }
}

/**
 * Reads all that a move has written into a data folder, archive and live log, in the order in which it was written
 * under each key: file by file, page by page, each file as the store reads it. Nothing may write to the folder
 * meanwhile, and its journal must be empty: what is there is not read.
 * @throws Error that names the file which cannot be read or is not valid.
 */
export async function* readFolderLog(dir: string): AsyncGenerator<FolderExchange[]> {
  const unique = new Unique();
  for (const path of await filesOf(dir)) {
    const log = await new LogFile(path).read();
    let page: FolderExchange[] = [];
    for (const entry of log?.oldestFirst() ?? []) {
      const text = textOf(entry);
      const raw: unknown = JSON.parse(text);
      if (!isObject(raw)) throw new Error(`${path} holds something else than exchanges.`);
      const stored = storedExchange.parse(raw);
      const one = unique.add({ key: entry.lane.key, id: entry.id, fields: raw, stored }, text);
      if (one) page.push(one);
      if (page.length < PAGE) continue;
      yield page;
      page = [];
      await setImmediate();
    }
    if (page.length > 0) yield page;
  }
}
