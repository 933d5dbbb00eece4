import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';

/** A process of the current node that runs one of the scripts beside this file. */
export interface Child {
  /** Lines it has printed so far. */
  readonly lines: string[];
  /** What it has written to stderr so far. */
  errors(): string;
  kill(): Promise<void>;
  readonly ended: Promise<unknown>;
}

/**
 * @param limit A shell command that comes first, such as `ulimit -f 64`.
 */
export const startChild = (script: string, args: string[], limit = 'true'): Child => {
  const command = [process.execPath, join(import.meta.dirname, script), ...args];
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    'sh',
    ['-c', `${limit}; exec "$@"`, 'sh', ...command],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Under a limit, what the compile cache writes could meet it before the program does.
      ...(limit === 'true' ? {} : { env: { ...process.env, NODE_COMPILE_CACHE: '' } }),
    },
  );
  const lines: string[] = [];
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return { lines, errors: () => stderr, kill, ended };
};
