/** `npm run import`: takes over the log of an older system, and its threads. */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/settings-table.ts';
import { AppError } from '../errors.ts';
import { checkLog, LogFaults, type Pass } from '../log-file/check-log.ts';
import { type LogReader, openLogReader } from '../log-file/log-reader.ts';
import { openJsonStore } from '../stores/json/json-store.ts';
import { readKept } from '../stores/json/kept.ts';
import { FolderInUseError, type Lock, lockIfThere, makeAndLock } from '../stores/json/lock.ts';
import { systemReason } from '../system-reason.ts';
import { ArchiveForecast } from './archive-forecast.ts';
import {
  type Environment,
  Refusal,
  runCommand,
  type Surroundings,
  settingOf,
  UsageError,
  warningsOnly,
} from './command.ts';
import { countNew, importLog } from './import-log.ts';
import { type ImportReport, reportText } from './import-report.ts';
import { KnownExchanges } from './known-exchanges.ts';
import { progressOn } from './progress.ts';
import { countThreads, readThreadMap, type ThreadMap, takeOverThreads } from './thread-map.ts';

const USAGE = `Usage: npm run import -- <conversations.json> [--threads <file>] [--dry-run]

Takes over the log of an older system, {user_id: [{user, bot, timestamp}]}, into DATA_DIR. Stop the service
first. The file may be of any size; run again, the import adds only what is new.

  --threads <file>  a map {user_id: thread_id}, for BACKEND=assistants at a server that still has the threads
  --dry-run         checks and counts, and writes nothing
  --help            this text`;

const BYTES_PER_MB = 1024 * 1024;

const readArgs = (args: readonly string[]) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { threads: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [file, ...more] = positionals;
    if (file === undefined) throw new UsageError('Which file is to be imported?');
    if (more.length > 0) throw new UsageError(`One file at a time, not also ${more.join(', ')}.`);
    return { file: path.resolve(file), threads: values.threads, dryRun: values['dry-run'] };
  } catch (error) {
    // Node's own words: "Unknown option '--x'".
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const openFile = (file: string): LogReader => {
  try {
    return openLogReader(file);
  } catch (error) {
    throw new Refusal(`${file} cannot be imported: ${systemReason(error)}.`);
  }
};

const locked = async <T>(taking: Promise<T>): Promise<T> =>
  taking.catch((error: unknown) => {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new Refusal(`${error.message} Stop the service first, and start it again after the import.`);
  });

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

/** What is to be written where. */
interface Plan {
  readonly dir: string;
  readonly maxBytes: number;
  readonly reader: LogReader;
  readonly known: KnownExchanges;
  readonly pass: Pass;
  readonly map: ThreadMap | undefined;
  /** undefined where the configured backend does not use threads of an Assistants server. */
  readonly madeBy: string | undefined;
}
type Outcome = Pick<ImportReport, 'exchanges' | 'archived' | 'threads'>;

const NO_THREADS = { takenOver: 0, known: 0 };

const threadReport = ({ map, madeBy }: Plan, counts = NO_THREADS): Pick<ImportReport, 'threads'> =>
  map
    ? { threads: { ...counts, nobodys: map.nobodys, unused: madeBy === undefined ? map.threads.length : 0 } }
    : {};

const write = async (plan: Plan, lock: Lock, warn: (text: string) => void): Promise<Outcome> => {
  const { dir, maxBytes, reader, known, pass, map, madeBy } = plan;
  const store = await openJsonStore({
    dir,
    maxBytes,
    lock,
    clock: { now: () => Date.now() },
    logger: warningsOnly(warn),
  });
  try {
    const before = store.liveCount();
    const exchanges = await importLog(reader, known, pass, store);
    await store.snapshot();
    const archived = before + exchanges.taken - store.liveCount();
    // After the archiving, which forgets the threads of those who have nothing left in the log.
    const threads = map && madeBy && (await takeOverThreads(map, store, madeBy, pass.signal));
    await store.snapshot();
    return { exchanges, archived, ...threadReport(plan, threads || NO_THREADS) };
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : `${dir} cannot be written: ${reasonOf(error)}.`;
    throw new Refusal(`${reason}\nWhat was taken over until now stays; run the import again to complete it.`);
  } finally {
    await store.close();
  }
};

/** The store's own words are for visitors; what happened is in the cause. */
const reasonOf = (error: unknown): string => systemReason(error instanceof AppError ? error.cause : error);

const run = async ({ args, env, signal, print, warn }: Surroundings): Promise<void> => {
  const { file, threads, dryRun } = readArgs(args);
  const dir = path.resolve(settingOf(env, 'DATA_DIR', SETTINGS.DATA_DIR) ?? '');
  const maxBytes = (settingOf(env, 'LOG_MAX_MB', SETTINGS.LOG_MAX_MB) ?? 0) * BYTES_PER_MB;
  const map = threads === undefined ? undefined : await readThreadMap(path.resolve(threads));
  // The other settings are read only where they are needed: an upstream that is not set up yet is no hindrance.
  const madeBy = map && (await configuredMaker(env));

  const reader = openFile(file);
  const progress = progressOn(process.stderr);
  const passOf = (what: string): Pass => ({
    signal,
    onProgress: (share) => progress.show(what, share),
  });
  let lock: Lock | undefined;
  try {
    lock = await locked(lockIfThere(dir));
    const log = await checkLog(reader, passOf('Checking')).catch(refused);
    if (!dryRun) lock ??= await locked(makeAndLock(dir));
    const known = new KnownExchanges();
    const forecast = new ArchiveForecast(maxBytes);
    const owners = await readKept(
      dir,
      (kept) => {
        const isNew = known.add(kept);
        if (isNew && kept.liveBytes !== undefined) forecast.add(kept.timestamp, kept.liveBytes);
      },
      warningsOnly(warn),
    );
    const pass = passOf(dryRun ? 'Counting' : 'Importing');
    const plan = { dir, maxBytes, reader, known, pass, map, madeBy };
    let outcome: Outcome;
    if (lock && !dryRun) outcome = await write(plan, lock, warn);
    else {
      const exchanges = await countNew(reader, known, pass, forecast);
      const counts = map && madeBy ? countThreads(map, owners) : NO_THREADS;
      outcome = { exchanges, archived: forecast.moved(), ...threadReport(plan, counts) };
    }
    progress.end();
    print(reportText({ file, dir, dryRun, log, ...outcome }));
  } finally {
    progress.end();
    reader.close();
    lock?.release();
  }
};

await runCommand(USAGE, run);
