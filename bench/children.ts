/** Processes and folders that end with the bench, however it ends. */

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const children = new Set<ChildProcess>();
const folders = new Set<string>();

const endAll = (): void => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
};

/** From now on whatever is left of children and folders goes with this process. */
export const cleanUpAtExit = (): void => {
  process.once('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130));
};

/** A folder on the disk that the service would use, too. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'thread-proxy-bench-'));
  folders.add(folder);
  return folder;
};

export const removeFolder = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
};

const track = (child: ChildProcess): void => {
  children.add(child);
  child.once('exit', () => children.delete(child));
};

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

/** A program that runs until it is stopped. */
export interface Program {
  readonly pid: number;
  /** What `ready` found. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts a script, its output in a file as under a supervisor, and waits until `ready` finds a URL in it.
 * @throws Error with the end of its output where it exits or does not get ready.
 */
export const startProgram = async (
  script: string,
  options: {
    env: Record<string, string>;
    ready: RegExp;
    nodeArgs?: string[];
    args?: string[];
    withinMs?: number;
  },
): Promise<Program> => {
  const folder = temporaryFolder();
  const logFile = join(folder, 'output');
  const log = openSync(logFile, 'a');
  // From a folder without `.env`: the owner's settings are not what is measured.
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), script, ...(options.args ?? [])], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  track(child);
  const deadline = performance.now() + (options.withinMs ?? 20_000);
  for (;;) {
    const output = readFileSync(logFile, 'utf8');
    const url = options.ready.exec(output)?.[1];
    if (url !== undefined && child.pid !== undefined) {
      const stop = async () => {
        await stopChild(child);
        removeFolder(folder);
      };
      return { pid: child.pid, url, stop };
    }
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      throw new Error(`${script} did not get ready:\n${output.slice(-2_000)}`);
    }
    await sleep(2);
  }
};

/** A process that does jobs: one message in, one message out. */
export interface Worker {
  ask(job: object, withinMs?: number): Promise<unknown>;
  stop(): Promise<void>;
}

export const startWorker = (script: string, args: string[] = []): Worker => {
  const child = fork(script, args, { serialization: 'advanced' });
  track(child);
  return {
    ask: async (job, withinMs = 60_000) => {
      // Listeners of both kinds go with the job.
      const over = new AbortController();
      const signal = AbortSignal.any([over.signal, AbortSignal.timeout(withinMs)]);
      const answered = once(child, 'message', { signal });
      const exited = once(child, 'exit', { signal }).then(() => {
        throw new Error(`${script} ended amid a job`);
      });
      child.send(job);
      try {
        const [answer] = await Promise.race([answered, exited]);
        return answer;
      } finally {
        answered.catch(() => undefined);
        exited.catch(() => undefined);
        over.abort();
      }
    },
    stop: () => stopChild(child),
  };
};

/** The other end of `startWorker`: answers each job, and goes when the bench goes. */
export const answerJobs = (answer: (job: unknown) => Promise<object>): void => {
  process.on('message', (job: unknown) => {
    answer(job).then(
      (result) => process.send?.(result),
      (thrown: unknown) => {
        console.error(thrown);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
};
