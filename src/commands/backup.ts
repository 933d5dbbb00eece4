/** `npm run backup`: makes a consistent copy of the database while the service runs. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/settings-table.ts';
import { errnoOf } from '../log-file/durable-file.ts';
import { backUp, backUpDocuments, documentsCopyOf } from '../stores/transfer/backup.ts';
import { systemReason } from '../system-reason.ts';
import { Refusal, runCommand, type Surroundings, settingOf, UsageError } from './command.ts';

const USAGE = `Usage: npm run backup -- <file> [--force]

Writes a consistent copy of the database in DATA_DIR into a file; the service may go on meanwhile. The index of documents
is copied beside it: a.db has a.documents.db. To restore them, stop the service, move the files of DATA_DIR away, put the
copies there as thread-proxy.db and documents.db and start again. With DATABASE_URL use pg_dump, which has both.

  --force  replaces the file if it is there
  --help   this text`;

const readArgs = (args: readonly string[]) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { force: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [file, ...more] = positionals;
    if (file === undefined) throw new UsageError('Into which file?');
    if (more.length > 0) throw new UsageError(`One file, not also ${more.join(', ')}.`);
    return { file: path.resolve(file), force: values.force };
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

const run = async ({ args, env, print }: Surroundings): Promise<void> => {
  const { file, force } = readArgs(args);
  if (settingOf(env, 'DATABASE_URL', SETTINGS.DATABASE_URL) !== undefined) {
    throw new Refusal('DATABASE_URL is set: back that database up with pg_dump. Nothing was written.');
  }
  const documentsFile = documentsCopyOf(file);
  for (const one of [file, documentsFile]) {
    if (!force && (await isThere(one))) throw new Refusal(`${one} is there already; --force replaces it.`);
  }
  const dir = path.resolve(settingOf(env, 'DATA_DIR', SETTINGS.DATA_DIR) ?? '');
  const refuse = (name: string) => (error: unknown) => {
    throw new Refusal(`${name} cannot be written: ${systemReason(error)}`);
  };
  const bytes = await backUp(dir, file).catch(refuse(file));
  const documents = await backUpDocuments(dir, file).catch(refuse(documentsFile));
  print(`${file} has all of ${dir} (${bytes.toLocaleString('en')} bytes). Keep session-secret beside it.`);
  if (documents === undefined) return;
  print(`${documentsFile} has its documents (${documents.toLocaleString('en')} bytes).`);
};

await runCommand(USAGE, run);
