/** `npm run move`: moves all that a store holds into another one, from files to Postgres or back. */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/settings-table.ts';
import type { CopiedIndex } from '../documents/index/copy-index.ts';
import { AppError } from '../errors.ts';
import { systemReason } from '../system-reason.ts';
import {
  type Environment,
  Refusal,
  runCommand,
  type Surroundings,
  settingOf,
  UsageError,
} from './command.ts';
import { moveDocuments } from './moving/documents.ts';
import { openSource, openTarget, type StorePlace } from './moving/ends.ts';
import type { Moving, Run, Source, Target } from './moving/stores.ts';
import { Summary, summaryText } from './moving/summary.ts';
import { progressOn } from './progress.ts';

const USAGE = `Usage: npm run move -- --from <store> --to <store> [--dry-run]

Moves all that a store holds into an empty one: exchanges, threads, sessions, counts, documents. A store is a data folder or
postgres://user:password@host/database; the words DATA_DIR and DATABASE_URL stand for what these settings say, so
that no password is in the command. Stop the service first. Cut off, the same command goes on where it was; until
it is done, the service does not start on the target. The source is left as it is.

  --from <store>  where all is now
  --to <store>    where it is to be: an empty database, or an empty or new folder
  --dry-run       reads and counts the source, and writes nothing
  --help          this text`;

const BYTES_PER_MB = 1024 * 1024;

const isUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text);

const placeOf = (given: string, env: Environment): StorePlace => {
  if (given === 'DATABASE_URL') {
    const url = settingOf(env, 'DATABASE_URL', SETTINGS.DATABASE_URL);
    if (url === undefined) throw new Refusal('DATABASE_URL is not set.');
    return { url };
  }
  if (isUrl(given)) return { url: given };
  const named = given === 'DATA_DIR' ? settingOf(env, 'DATA_DIR', SETTINGS.DATA_DIR) : given;
  if (/^\w+:\/\//.test(given))
    throw new UsageError('A store is a folder or a URL that begins with postgres://.');
  return { dir: path.resolve(named ?? given) };
};

const readArgs = (args: readonly string[], env: Environment) => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
    });
    if (!values.from) throw new UsageError('Where from? --from is absent.');
    if (!values.to) throw new UsageError('Where to? --to is absent.');
    const [from, to] = [placeOf(values.from, env), placeOf(values.to, env)];
    if ('url' in from === 'url' in to) {
      throw new UsageError('One of the two is to be a folder, and the other one a database.');
    }
    return { from, to, dryRun: values['dry-run'] };
  } catch (error) {
    // Node's own words: "Unknown option '--x'". An unexpected word may be a URL with its password.
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(/:\/\//.test(error.message) ? 'It takes --from and --to alone.' : error.message);
  }
};

/** Reads a store from its beginning to its end. */
const summaryOf = async (
  store: { pages(): AsyncIterable<readonly Moving[]>; facts: Source['facts'] },
  { signal, onProgress }: Run,
): Promise<Summary> => {
  const summary = new Summary();
  for await (const page of store.pages()) {
    for (const { line } of page) summary.addLine(line);
    signal.throwIfAborted();
    onProgress(summary.exchanges);
  }
  summary.addFacts(await store.facts());
  return summary;
};

const move = async (source: Source, target: Target, all: Summary, runOf: (what: string) => Run) => {
  await target.begin(source.name, all);
  try {
    await target.fill(source, await source.facts(), runOf('Moving'));
    const there = await summaryOf(target, runOf('Checking'));
    const different = all.differences(there);
    if (different.length > 0) {
      await target.distrust();
      throw new Refusal(
        `What is in ${target.name} now is not what was read: ${different.join(', ')} differ.\nRead:\n${summaryText(all)}\nThere:\n${summaryText(there)}`,
      );
    }
    await source.check();
    await target.complete();
  } catch (thrown) {
    throw new Refusal(
      `${reasonOf(thrown)}\n${target.name} is half-moved: no service starts on it. Run the same move again to go on.`,
    );
  }
};

/** What happened, for a person: the stores' own words are for visitors, and the cause is below them. */
const reasonOf = (thrown: unknown): string =>
  systemReason(thrown instanceof AppError ? thrown.cause : thrown);

const nextSteps = (to: StorePlace, from: StorePlace): string => {
  if ('url' in to && 'dir' in from) {
    return `Start the service with DATABASE_URL, and with SESSION_SECRET (if it was not set until now, the text of
${path.join(from.dir, 'session-secret')}: then sessions go on). Never start it on ${from.dir} again: what visitors say
from now on is not there.`;
  }
  return `Start the service without DATABASE_URL, with DATA_DIR=${'dir' in to ? to.dir : ''} and the same SESSION_SECRET. Never start it
on the database again: what visitors say from now on is not there.`;
};

const documentsText = (copied: CopiedIndex | undefined): string =>
  copied === undefined
    ? ''
    : `\n  documents ${copied.sources.toLocaleString('en')} with ${copied.passages.toLocaleString('en')} passages and ${copied.vectors.toLocaleString('en')} vectors`;

const run = async ({ args, env, signal, print, warn, failLater }: Surroundings): Promise<void> => {
  const { from, to, dryRun } = readArgs(args, env);
  const maxBytes = (settingOf(env, 'LOG_MAX_MB', SETTINGS.LOG_MAX_MB) ?? 0) * BYTES_PER_MB;
  const wait = settingOf(env, 'DATABASE_WAIT', SETTINGS.DATABASE_WAIT) ?? 0;
  const schema = settingOf(env, 'DATABASE_SCHEMA', SETTINGS.DATABASE_SCHEMA);
  const deps = { maxBytes, schema, wait, warn };
  const progress = progressOn(process.stderr);
  let total = 0;
  const runOf = (what: string): Run => ({
    signal,
    onProgress: (done) => progress.show(what, total === 0 ? 0 : done / total),
  });
  let source: Source | undefined;
  let target: Target | undefined;
  try {
    source = await openSource(from, deps);
    const all = await summaryOf(source, runOf('Reading'));
    if (all.isEmpty) throw new Refusal(`There is nothing to move in ${source.name}.`);
    total = all.exchanges;
    for (const remark of source.remarks) warn(remark);
    if (dryRun) {
      print(`Nothing was written. This is what is in ${source.name}:\n${summaryText(all)}`);
      return;
    }
    target = await openTarget(to, deps);
    await move(source, target, all, runOf);
    progress.end();
    // After it: nothing else may open a store that is half-moved.
    const copied = await moveDocuments(from, to, deps).catch((thrown: unknown) => {
      failLater();
      warn(
        `The documents could not be taken along: ${reasonOf(thrown)}. All else was; add the documents there again.`,
      );
      return undefined;
    });
    print(
      `Moved ${source.name} into ${target.name}, and read there again; counts and checksums are the same:\n${summaryText(all)}${documentsText(copied)}\n${nextSteps(to, from)}`,
    );
  } catch (thrown) {
    throw thrown instanceof AppError ? new Refusal(reasonOf(thrown)) : thrown;
  } finally {
    progress.end();
    await target?.close();
    await source?.close();
  }
};

await runCommand(USAGE, run);
