/** The program of the store's workers: the writer with its group commits, and the readers. */

import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { BUSY_MS, type Connection, openReadable, openWritable, type Row } from './connection.ts';
import { migrateRoom } from './migrate.ts';
import {
  type Call,
  type CheckpointMode,
  type Outcome,
  type ReadResult,
  type Request,
  thrownOf,
  troubleName,
  type WorkerSetup,
} from './protocol.ts';
import type { RoomModule } from './room.ts';

/** The lowest priority that there is. */
const LOWEST = 19;

if (!parentPort) throw new Error('this is a worker of the store');
const port = parentPort;
// Only worker-handle.ts starts this program, and sends requests.
const { file, role, isBackground } = workerData as WorkerSetup;
// Linux gives each thread a priority of its own; elsewhere this would be the whole service's.
if (isBackground && process.platform === 'linux') setPriority(0, Math.min(LOWEST, getPriority(0) + 5));
const db = role === 'writer' ? openWritable(file) : openReadable(file);

const rooms = new Map<string, RoomModule>();
const roomAt = async (url: string): Promise<RoomModule> => {
  const known = rooms.get(url);
  if (known) return known;
  const room: RoomModule = await import(url);
  rooms.set(url, room);
  return room;
};

const run = ({ room, name, input }: Call, kind: 'reads' | 'writes'): unknown => {
  const found = rooms.get(room)?.[kind]?.[name];
  if (!found) throw new Error(`${room} has no ${name} among its ${kind}`);
  // The type of its input was checked where it was called.
  return found(db, input as never);
};

/** Runs each call in a transaction of its own: one of them has failed, and is not to fail the others. */
const runAlone = (call: Call): Outcome => {
  try {
    return { value: db.transaction(() => run(call, 'writes')) };
  } catch (error) {
    const thrown = thrownOf(error);
    if (troubleName(thrown.errcode)) throw error;
    return { thrown };
  }
};

/** A reader's second connection, for checkpoints alone. */
let other: Connection | undefined;

/** Brings the write-ahead log into the database, without waiting for readers that are in the way. */
const checkpoint = (mode: CheckpointMode): Row[] => {
  if (role === 'reader') other ??= openWritable(file);
  const connection = other ?? db;
  connection.exec('PRAGMA busy_timeout = 50');
  try {
    return connection.all(`PRAGMA wal_checkpoint(${mode})`);
  } finally {
    connection.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  }
};

/** On a full disk, what the write-ahead log takes may be the room that the next try needs. */
const makeRoom = (): void => {
  try {
    checkpoint('TRUNCATE');
  } catch {
    // The first error is the one that is told.
  }
};

/** @throws SQLite's error where the disk fails: then nothing was written. */
const commit = async (calls: readonly Call[]): Promise<Outcome[]> => {
  for (const { room } of calls) if (!rooms.has(room)) await roomAt(room);
  try {
    return db.transaction(() => calls.map((call) => ({ value: run(call, 'writes') })));
  } catch (error) {
    if (!troubleName(thrownOf(error).errcode)) return calls.map(runAlone);
    makeRoom();
    throw error;
  }
};

/** Generators that are being read, by the id of the request that began them. */
const open = new Map<number, Iterator<unknown>>();

const nextPage = (of: number): ReadResult => {
  const pages = open.get(of);
  if (!pages) return { end: true };
  try {
    const { done, value } = pages.next();
    if (!done) return { page: value };
  } catch (error) {
    open.delete(of);
    throw error;
  }
  open.delete(of);
  return { end: true };
};

const isIterator = (value: unknown): value is Iterator<unknown> =>
  typeof value === 'object' && value !== null && 'next' in value && Symbol.iterator in value;

const read = async (id: number, call: Call): Promise<ReadResult> => {
  await roomAt(call.room);
  const value = run(call, 'reads');
  if (!isIterator(value)) return { value: await value };
  open.set(id, value);
  return nextPage(id);
};

const answer = async (id: number, request: Request): Promise<unknown> => {
  switch (request.type) {
    case 'commit':
      return commit(request.calls);
    case 'read':
      return read(id, request.call);
    case 'next':
      return nextPage(request.of);
    case 'stop':
      open.get(request.of)?.return?.();
      open.delete(request.of);
      return undefined;
    case 'migrate':
      return migrateRoom(db, await roomAt(request.room));
    case 'checkpoint':
      return checkpoint(request.mode);
    case 'close':
      other?.close();
      db.close();
      port.close();
      return undefined;
  }
};

port.on('message', ({ id, request }: { id: number; request: Request }) => {
  void (async () => {
    let outcome: Outcome;
    try {
      outcome = { value: await answer(id, request) };
    } catch (error) {
      outcome = { thrown: thrownOf(error) };
    }
    port.postMessage({ id, outcome });
  })();
});
