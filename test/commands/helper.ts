import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { type Child, ROOT, runProgram } from '../helpers/child-service.ts';
import { temporaryFolder } from '../helpers/service.ts';

/** A command that has ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a command of ours as a process of its own; of the environment it has what is given, and no `.env`. */
export const startCommand = (
  name: 'import' | 'assistant-export' | 'backup' | 'move' | 'export' | 'erase' | 'doctor' | 'documents',
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; limit?: string } = {},
): Promise<Child> =>
  runProgram([process.execPath, path.join(ROOT, `src/commands/${name}.ts`), ...args], options);

/** Runs a command to its end. Whatever happens, nobody is to see a stack trace. */
export const runCommand = async (...given: Parameters<typeof startCommand>): Promise<Ran> => {
  const child = await startCommand(...given);
  const [code] = await child.ended;
  expect(child.stderr()).not.toMatch(/^ {4}at /m);
  return { code, stdout: child.stdout(), stderr: child.stderr() };
};

/** An exchange as an older system logged it. */
export const older = (user: string, timestamp: number, more: object = {}) => ({
  user,
  bot: `Answer to ${user}`,
  timestamp,
  ...more,
});

/** A place for an import: the file to import and a data folder that is not there yet. */
export const placeFor = async (log: unknown) => {
  const root = await temporaryFolder();
  const file = path.join(root, 'older.json');
  const dir = path.join(root, 'data');
  const put = (text: string | Buffer, name = 'older.json') => writeFile(path.join(root, name), text);
  await put(typeof log === 'string' || Buffer.isBuffer(log) ? log : JSON.stringify(log));
  return {
    root,
    file,
    dir,
    put,
    /** Imports the file. */
    run: (args: readonly string[] = [], env: Record<string, string> = {}) =>
      runCommand('import', [file, ...args], { env: { DATA_DIR: dir, ...env }, cwd: root }),
    /** conversations.json as it is now. */
    log: async (): Promise<unknown> =>
      JSON.parse(await readFile(path.join(dir, 'conversations.json'), 'utf8')),
  };
};

/** The numbers of a report, by their line: `{ new: 3, … }`. */
export const numbersIn = (report: string): Record<string, number> =>
  Object.fromEntries(
    [...report.matchAll(/^ {2}(\S.*?|\s+\S.*?)\s{2,}([\d,]+)(?: |$)/gm)].map(([, what = '', count = '']) => [
      what.trim(),
      Number(count.replaceAll(',', '')),
    ]),
  );
