/** `npm run import`: takes over the log of an older system, and its threads. */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/settings-table.ts';
import { AppError } from '../errors.ts';
import { checkLog, LogChanged, LogFaults, type Pass } from '../log-file/check-log.ts';
import { type LogReader, openLogReader } from '../log-file/log-reader.ts';
import { lineOf } from '../log-file/log-row.ts';
import { inSeconds, readTime } from '../log-file/log-times.ts';
import type { MovingStore } from '../log-file/moving-store.ts';
import { filesOf } from '../stores/transfer/first-import.ts';
import { holdsDatabase } from '../stores/transfer/moving.ts';
import { systemReason } from '../system-reason.ts';
import {
  type Environment,
  Refusal,
  runCommand,
  type Surroundings,
  settingOf,
  UsageError,
} from './command.ts';
import { countNew, importLog } from './import-log.ts';
import { type ImportReport, reportText } from './import-report.ts';
import { KnownExchanges } from './known-exchanges.ts';
import { asList } from './listed-exchanges.ts';
import { type OpenDeps, openMoving, type StorePlace } from './moving/ends.ts';
import { progressOn } from './progress.ts';
import { newThreads, readThreadMap, type ThreadMap } from './thread-map.ts';

const USAGE = `Usage: npm run import -- <conversations.json> [--threads <file>] [--skip-invalid] [--undated <time>]
                      [--dry-run]

Takes over the log of an older system into the store that the service would use (DATABASE_URL, else DATA_DIR). Stop the
service first. The file may be of any size; run again, the import adds only what is new. It may be an export, or

  {user_id: [{user, bot, timestamp}]}       a list of exchanges for each user
  {user_id: [{role, content, timestamp}]}   a list of messages for each user
  [{user_id, user, bot, timestamp}]         exchanges of all users; [{user_id, messages: [{role, content}]}] as well
  {object: "list", data: [{thread_id, …}]}  messages as OpenAI's API lists them; the thread stands for the user

in UTF-8 or UTF-16, with times in seconds, milliseconds, microseconds or as ISO 8601.

  --threads <file>  a map {user_id: thread_id}, for BACKEND=assistants at a server that still has the threads
  --skip-invalid    leaves out what is no exchange, and lists it; else nothing is imported then
  --undated <time>  the time of what has none, such as 2025-12-31
  --dry-run         checks and counts, and writes nothing
  --help            this text`;

const BYTES_PER_MB = 1024 * 1024;
/** Milliseconds in which a server gives several signs of life. */
const LIFE_MS = 4000;
const THREADS_AT_ONCE = 5000;

const readArgs = (args: readonly string[]) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        threads: { type: 'string' },
        'skip-invalid': { type: 'boolean', default: false },
        undated: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const [file, ...more] = positionals;
    if (file === undefined) throw new UsageError('Which file is to be imported?');
    if (more.length > 0) throw new UsageError(`One file at a time, not also ${more.join(', ')}.`);
    const undated = values.undated === undefined ? undefined : readTime(values.undated);
    if (values.undated !== undefined && undated === undefined) {
      throw new UsageError('--undated takes a time, such as 2025-12-31 or 2025-12-31T08:00:00Z.');
    }
    return {
      file: path.resolve(file),
      threads: values.threads,
      dryRun: values['dry-run'],
      reading: {
        skipInvalid: values['skip-invalid'],
        ...(undated !== undefined && { undated: inSeconds(undated) }),
      },
    };
  } catch (error) {
    // Node's own words: "Unknown option '--x'".
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const openFile = (file: string, asText?: (file: number) => number): LogReader => {
  try {
    return openLogReader(file, asText);
  } catch (error) {
    throw new Refusal(`${file} cannot be imported: ${systemReason(error)}.`);
  }
};

/** @throws Refusal where a service runs on it, or a move into it was cut off. */
const openUnused = async (place: StorePlace, deps: OpenDeps): Promise<MovingStore> => {
  const store = await openMoving(place, deps);
  const note = await store.note();
  if (note === undefined && !(await store.isInUse(LIFE_MS))) return store;
  await store.close();
  throw new Refusal(
    note === undefined
      ? `${store.place} is in use by a server. Stop it first, and start it again after the import.`
      : `${store.place} is half-moved (from ${note}): complete that move first.`,
  );
};

/** @throws Refusal that lists the faults of a log. */
const refused = (error: unknown): never => {
  if (!(error instanceof LogFaults)) throw error;
  const list = error.faults.map((fault) => `  ${fault}`).join('\n');
  throw new Refusal(`${error.path} cannot be imported; nothing was written.\n${list}`);
};

/** Who makes threads, as the service is set up; loaded only when asked for: with it come all backends. */
const configuredMaker = async (env: Environment): Promise<string | undefined> => {
  const { threadsMadeByConfigured } = await import('./threads-made-by.ts');
  return threadsMadeByConfigured(env);
};

/** What is to be imported. */
interface Plan {
  readonly reader: LogReader;
  readonly known: KnownExchanges;
  readonly pass: Pass;
  readonly map: ThreadMap | undefined;
  /** undefined where the configured backend does not use threads of an Assistants server. */
  readonly madeBy: string | undefined;
}
type Outcome = Pick<ImportReport, 'exchanges' | 'threads'>;

/** @param owners The visitorKeys of all who have a thread. */
const threadsOf = ({ map, madeBy }: Plan, owners: ReadonlySet<string>) => {
  if (!map) return undefined;
  const threads = madeBy === undefined ? [] : newThreads(map, owners, madeBy);
  const known = madeBy === undefined ? 0 : map.threads.length - threads.length;
  const unused = madeBy === undefined ? map.threads.length : 0;
  return { threads, report: { takenOver: threads.length, known, nobodys: map.nobodys, unused } };
};

const write = async (plan: Plan, store: MovingStore, owners: ReadonlySet<string>): Promise<Outcome> => {
  const { reader, known, pass } = plan;
  try {
    const exchanges = await importLog(reader, known, pass, (batch) => store.add(batch, ''));
    const mapped = threadsOf(plan, owners);
    for (let at = 0; mapped && at < mapped.threads.length; at += THREADS_AT_ONCE) {
      pass.signal.throwIfAborted();
      await store.add({ threads: mapped.threads.slice(at, at + THREADS_AT_ONCE) }, '');
    }
    await store.complete();
    return { exchanges, ...(mapped && { threads: mapped.report }) };
  } catch (error) {
    const reason =
      error instanceof Refusal || error instanceof LogChanged
        ? error.message
        : `${store.place} cannot be written: ${reasonOf(error)}.`;
    throw new Refusal(`${reason}\nWhat was taken over until now stays; run the import again to complete it.`);
  }
};

// The store's own words are for visitors; what happened is in the cause.
const reasonOf = (error: unknown): string => systemReason(error instanceof AppError ? error.cause : error);

/** The store that the service would use. */
const placeOf = (env: Environment): StorePlace => {
  const url = settingOf(env, 'DATABASE_URL', SETTINGS.DATABASE_URL);
  if (url !== undefined) return { url };
  return { dir: path.resolve(settingOf(env, 'DATA_DIR', SETTINGS.DATA_DIR) ?? '') };
};

/** Says what a log of this folder has that has no database yet, without making one. */
const readFiles = async (dir: string, known: KnownExchanges, signal: AbortSignal): Promise<void> => {
  for (const file of await filesOf(dir)) {
    const log = openFile(file);
    try {
      await checkLog(log, { signal, onProgress: () => undefined }, ({ key }, row) =>
        known.add({ ...row, key }),
      );
    } finally {
      log.close();
    }
  }
};

/** What the store holds. @returns The visitorKeys of all who have a thread. */
const readStore = async (store: MovingStore, known: KnownExchanges): Promise<ReadonlySet<string>> => {
  for await (const page of store.exchanges()) {
    for (const row of page) known.add({ ...row, key: lineOf(row).key });
  }
  return new Set((await store.facts()).threads.map(([visitor]) => visitor));
};

const run = async ({ args, env, signal, print, warn }: Surroundings): Promise<void> => {
  const { file, threads, dryRun, reading } = readArgs(args);
  const place = placeOf(env);
  const deps = {
    maxBytes: (settingOf(env, 'LOG_MAX_MB', SETTINGS.LOG_MAX_MB) ?? 0) * BYTES_PER_MB,
    schema: settingOf(env, 'DATABASE_SCHEMA', SETTINGS.DATABASE_SCHEMA),
    wait: settingOf(env, 'DATABASE_WAIT', SETTINGS.DATABASE_WAIT) ?? 0,
    warn,
  };
  const map = threads === undefined ? undefined : await readThreadMap(path.resolve(threads));
  // The other settings are read only where they are needed: an upstream that is not set up yet is no hindrance.
  const madeBy = map && (await configuredMaker(env));

  const reader = openFile(file, asList);
  const progress = progressOn(process.stderr);
  const passOf = (what: string): Pass => ({
    ...reading,
    signal,
    onProgress: (share) => progress.show(what, share),
  });
  let store: MovingStore | undefined;
  try {
    const hasDatabase = 'url' in place || (await holdsDatabase(place.dir));
    if (hasDatabase) store = await openUnused(place, deps);
    const log = await checkLog(reader, passOf('Checking')).catch(refused);
    if (log.invalid > 0) {
      progress.end();
      const more = log.invalid > log.faults.length ? [`… and ${log.invalid - log.faults.length} more`] : [];
      warn(`Left out:\n${[...log.faults, ...more].map((fault) => `  ${fault}`).join('\n')}`);
    }
    if (!dryRun) store ??= await openUnused(place, deps);
    const known = new KnownExchanges();
    let owners: ReadonlySet<string> = new Set();
    if (store) owners = await readStore(store, known);
    else if ('dir' in place) await readFiles(place.dir, known, signal);
    const plan = { reader, known, pass: passOf(dryRun ? 'Counting' : 'Importing'), map, madeBy };
    let outcome: Outcome;
    if (store && !dryRun) outcome = await write(plan, store, owners);
    else {
      const mapped = threadsOf(plan, owners);
      outcome = {
        exchanges: await countNew(reader, known, plan.pass),
        ...(mapped && { threads: mapped.report }),
      };
    }
    progress.end();
    const into = store?.place ?? ('dir' in place ? place.dir : 'the database');
    print(reportText({ file, into, dryRun, log, ...outcome }));
  } finally {
    progress.end();
    reader.close();
    await store?.close();
  }
};

await runCommand(USAGE, run);
