/** `npm run export`: writes all of the log as one conversations.json. */

import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/settings-table.ts';
import { AppError } from '../errors.ts';
import { errnoOf, FILE_MODE, replaceFile } from '../log-file/durable-file.ts';
import type { LogRow } from '../log-file/log-row.ts';
import { LogText } from '../log-file/log-text.ts';
import { readFolderByKey } from '../stores/transfer/read-all.ts';
import { systemReason } from '../system-reason.ts';
import { type Choice, choiceOf, withPieces } from './chosen-exchanges.ts';
import {
  type Environment,
  Refusal,
  runCommand,
  type Surroundings,
  settingOf,
  UsageError,
  warningsOnly,
} from './command.ts';

const USAGE = `Usage: npm run export -- [--out conversations.json] [--force]

Writes all exchanges of the store that the service uses (DATABASE_URL, else DATA_DIR) into one file of the form of
conversations.json; the service may go on meanwhile.

  --out <file>     where to, conversations.json if absent; - is the standard output (npm run -s)
  --force          replaces the file if it is there
  --since <date>   only what was said from this day on (YYYY-MM-DD, in TZ)
  --until <date>   only what was said up to the end of this day
  --format <form>  json (as conversations.json), jsonl or csv
  --help           this text

Without DATABASE_URL, --since, --until and --format need the data folder for themselves: while the service runs, ask it
(GET /api/ops/export).`;

const STDOUT = '-';

const readArgs = (args: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        out: { type: 'string' },
        force: { type: 'boolean', default: false },
        since: { type: 'string' },
        until: { type: 'string' },
        format: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    // Node's own words: "Unknown option '--x'".
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT',
  );

/** @throws Refusal where nobody reads on. */
const writeOut = async (pieces: AsyncIterable<string>): Promise<void> => {
  const failed = once(process.stdout, 'error').then(([error]) => {
    throw new Refusal(`The standard output cannot be written: ${systemReason(error)}.`);
  });
  // Where nothing fails, nobody waits for it.
  failed.catch(() => undefined);
  for await (const piece of pieces) {
    if (!process.stdout.write(piece)) await Promise.race([once(process.stdout, 'drain'), failed]);
  }
};

/** The text of all pages. @throws The signal's reason. */
async function* piecesOf(
  pages: AsyncIterable<readonly LogRow[]> | Iterable<readonly LogRow[]>,
  text: LogText,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for await (const page of pages) {
    signal.throwIfAborted();
    yield page.map((row) => text.add(row)).join('');
  }
  yield text.end();
}

/** The file to write; undefined: the standard output. @throws Refusal where it is there and must stay. */
const targetOf = async (
  { out, force }: { out: string | undefined; force: boolean },
  fallback: string,
): Promise<string | undefined> => {
  const file = out === STDOUT ? undefined : path.resolve(out ?? fallback);
  if (file && !force && (await isThere(file))) {
    throw new Refusal(`${file} is there already; --force replaces it, --out names another.`);
  }
  return file;
};

const exportChosen = async (
  choice: Choice,
  surroundings: Pick<Surroundings, 'env' | 'signal' | 'print' | 'warn'>,
  target: { out: string | undefined; force: boolean },
): Promise<void> => {
  const file = await targetOf(target, `conversations.${choice.format}`);
  await withPieces(choice, surroundings, async (pieces) =>
    file ? replaceFile(file, FILE_MODE, pieces) : writeOut(pieces),
  );
  if (file) surroundings.print(`The exchanges were written to ${file}.`);
};

/** All exchanges of the store that the service uses, key by key. */
const pagesOf = async (
  env: Environment,
  warn: (text: string) => void,
): Promise<AsyncIterable<readonly LogRow[]> | Iterable<readonly LogRow[]>> => {
  const url = settingOf(env, 'DATABASE_URL', SETTINGS.DATABASE_URL);
  if (url === undefined) {
    return readFolderByKey(path.resolve(settingOf(env, 'DATA_DIR', SETTINGS.DATA_DIR) ?? ''));
  }
  const schema = settingOf(env, 'DATABASE_SCHEMA', SETTINGS.DATABASE_SCHEMA);
  const wait = settingOf(env, 'DATABASE_WAIT', SETTINGS.DATABASE_WAIT) ?? 0;
  // Loaded where it is needed.
  const { readByKey } = await import('../stores/postgres/moving/read-exchanges.ts');
  return readByKey({ url, schema, wait, logger: warningsOnly(warn) });
};

const run = async ({ args, env, signal, print, warn }: Surroundings): Promise<void> => {
  const { out, force, ...wishes } = readArgs(args);
  const chosen = choiceOf(wishes, env);
  if (chosen) {
    await exportChosen(chosen, { env, signal, print, warn }, { out, force });
    return;
  }
  const file = await targetOf({ out, force }, 'conversations.json');
  const text = new LogText();
  const pieces = piecesOf(await pagesOf(env, warn), text, signal);
  try {
    if (!file) {
      await writeOut(pieces);
      return;
    }
    await replaceFile(file, FILE_MODE, pieces);
  } catch (thrown) {
    if (thrown instanceof AppError) {
      const { cause } = thrown;
      throw new Refusal(`The database failed: ${cause instanceof Error ? cause.message : thrown.message}.`);
    }
    throw file && errnoOf(thrown)
      ? new Refusal(`${file} cannot be written: ${systemReason(thrown)}.`)
      : thrown;
  }
  print(
    `${text.exchanges.toLocaleString('en')} exchanges of ${text.keys.toLocaleString('en')} users were written to ${file}.`,
  );
};

await runCommand(USAGE, run);
