import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Logger } from '../../../src/chat/ports.ts';
import { type Connection, openReadable } from '../../../src/sqlite/connection.ts';
import {
  openSqliteStore,
  type SqliteStore,
  type SqliteStoreDeps,
} from '../../../src/stores/sqlite/sqlite-store.ts';

export const clock = { now: () => Date.now() };

/** A folder that is gone after the test. */
export const tempFolder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'thread-proxy-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

/** A logger that remembers `level: message`. */
export const memoryLogger = (): Logger & { lines: string[] } => {
  const lines: string[] = [];
  const at = (level: string) => (_fields: object, text: string) => {
    lines.push(`${level}: ${text}`);
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

/** Opens a store that is closed after the test, if it is not by then. */
export const openStore = async (
  dir: string,
  overrides: Partial<SqliteStoreDeps> = {},
): Promise<SqliteStore> => {
  const store = await openSqliteStore({
    dir,
    maxBytes: 64_000_000,
    clock,
    logger: memoryLogger(),
    ...overrides,
  });
  onTestFinished(() => store.close());
  return store;
};

/** Waits until `probe` gives something other than undefined or false, or fails after `ms`. */
export const eventually = async <T>(probe: () => T | Promise<T>, ms = 8000): Promise<NonNullable<T>> => {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`still not so after ${ms} ms: ${probe}`);
    await sleep(5);
  }
};

const logged = z.looseObject({
  user: z.string(),
  bot: z.string().nullable(),
  timestamp: z.number(),
  id: z.string(),
  session: z.string().optional(),
});

/** A file of the log's form, as another program reads it. */
export const readLog = async (path: string): Promise<Map<string, z.infer<typeof logged>[]>> => {
  const raw: unknown = JSON.parse(await readFile(path, 'utf8'));
  return new Map(Object.entries(z.looseObject({}).parse(raw)).map(([k, v]) => [k, z.array(logged).parse(v)]));
};

/** All ids in conversations.json and the archive, as often as they stand there. */
export const idsOnDisk = async (dir: string): Promise<{ live: string[]; archived: string[] }> => {
  const idsIn = async (path: string): Promise<string[]> =>
    [...(await readLog(path)).values()].flat().map(({ id }) => id);
  const names = await readdir(join(dir, 'archive')).catch(() => []);
  const archived = await Promise.all(names.map((name) => idsIn(join(dir, 'archive', name))));
  return { live: await idsIn(join(dir, 'conversations.json')), archived: archived.flat() };
};

/** Reads the database of a folder, whether a store is open on it or not. */
export const reading = <T>(dir: string, read: (db: Connection) => T): T => {
  const db = openReadable(join(dir, 'thread-proxy.db'));
  try {
    return read(db);
  } finally {
    db.close();
  }
};

/** The ids of all exchanges in the database. */
export const idsInDatabase = (dir: string): string[] =>
  reading(dir, (db) => db.all('SELECT id FROM exchanges').map(({ id }) => String(id)));
