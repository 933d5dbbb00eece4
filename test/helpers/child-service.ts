import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { atEnd } from './at-end.ts';
import { readEvents, until } from './events.ts';
import { type Answer, type EventAnswer, temporaryFolder } from './service.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'src/main.ts');

/** How a process ended: its exit code, or the signal that ended it. */
export type Ended = readonly [code: number | null, signal: NodeJS.Signals | null];

/** A process of ours with what it has printed so far. */
export interface Child {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** The log lines on stdout so far, parsed; other lines are passed over. */
  lines(): Record<string, unknown>[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process is over and all its output is here. */
  readonly ended: Promise<Ended>;
}

interface RunOptions {
  /** All of its environment but PATH and HOME. */
  readonly env?: Record<string, string>;
  /** Where it runs and looks for `.env`. Absent: an empty folder. */
  readonly cwd?: string;
  /** A shell command that comes first, such as `ulimit -f 64`. */
  readonly limit?: string;
  /** In a process group of its own, as under a terminal. */
  readonly ownGroup?: true;
}

const jsonObject = z.record(z.string(), z.unknown());

const parsedLine = (line: string): Record<string, unknown>[] => {
  if (!line.startsWith('{')) return [];
  try {
    return [jsonObject.parse(JSON.parse(line))];
  } catch {
    // The last line may be on its way.
    return [];
  }
};

/** Starts a program; it is killed with the test. */
export const runProgram = async (
  command: readonly [string, ...string[]],
  { env = {}, cwd, limit = 'true', ownGroup }: RunOptions = {},
): Promise<Child> => {
  const folder = cwd ?? (await temporaryFolder());
  // Under a limit, what the cache writes could meet it before the program does.
  const compileCache = limit === 'true' ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } : {};
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    'sh',
    ['-c', `${limit}; exec "$@"`, 'sh', ...command],
    {
      cwd: folder,
      // So that nobody reads the `.env` of whoever runs the tests.
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        THREAD_PROXY_DIR: folder,
        ...compileCache,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: ownGroup ?? false,
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended: Promise<Ended> = once(child, 'close').then(() => [child.exitCode, child.signalCode]);
  const kill = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  atEnd(async () => {
    kill('SIGKILL');
    await ended;
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command[0]} could not be started`);
  return {
    pid,
    stdout: () => stdout,
    stderr: () => stderr,
    lines: () => stdout.split('\n').flatMap(parsedLine),
    kill,
    ended,
  };
};

/** Runs `src/main.ts` with this environment and no other; does not wait for it to listen. */
export const runMain = (env: Record<string, string>, options: Omit<RunOptions, 'env'> = {}): Promise<Child> =>
  runProgram([process.execPath, MAIN], { ...options, env });

/** Where the process listens, as soon as it says so. @throws Error with its output where it ends before. */
export const whereItListens = async (child: Child): Promise<string> => {
  const ended = child.ended.then(([code, signal]) => {
    throw new Error(`it ended (${code ?? signal}) before it listened:\n${child.stderr()}${child.stdout()}`);
  });
  const url = until(
    () => child.lines().find(({ msg }) => msg === 'listening')?.url,
    'a line with msg "listening"',
    15_000,
  );
  return z.url().parse(await Promise.race([url, ended]));
};

/** What can be asked of a service that is known by its URL alone. */
export interface Calls {
  post(body: unknown, headers?: Record<string, string>): Promise<Answer>;
  stream(body: unknown, headers?: Record<string, string>): Promise<EventAnswer>;
  /** Status and body of a GET. */
  get(path: string): Promise<{ status: number; body: unknown }>;
}

const answerBody = z.looseObject({
  answer: z.string().optional(),
  id: z.string().optional(),
  session_token: z.string().optional(),
  truncated: z.boolean().optional(),
  error: z
    .object({ code: z.string(), message: z.string(), detail: z.string().optional(), request_id: z.string() })
    .optional(),
});

export const callsTo = (url: string): Calls => {
  const send = (body: unknown, headers: Record<string, string>) =>
    fetch(`${url}/api/chat`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  return {
    post: async (body, headers = {}) => {
      const response = await send(body, headers);
      const { status } = response;
      return { status, headers: response.headers, body: answerBody.parse(await response.json()) };
    },
    stream: async (body, headers = {}) => {
      const response = await send(body, { Accept: 'text/event-stream', ...headers });
      return { response, events: readEvents(response) };
    },
    get: async (path) => {
      const response = await fetch(url + path);
      return { status: response.status, body: await response.json() };
    },
  };
};

export interface ChildService extends Child, Calls {
  readonly url: string;
  /** Its DATA_DIR. */
  readonly dir: string;
}

/** The real service as a process of its own, on a free port, in a folder of its own, without a limit on calls. */
export const startChildService = async (
  env: Record<string, string> = {},
  options: Omit<RunOptions, 'env'> = {},
): Promise<ChildService> => {
  const dir = env.DATA_DIR ?? (await temporaryFolder());
  const defaults = {
    PORT: '0',
    HOST: '127.0.0.1',
    RATE_LIMIT: 'off',
    DAILY_MESSAGES: 'off',
    DAILY_MESSAGES_PER_ADDRESS: 'off',
  };
  const child = await runMain({ ...defaults, ...env, DATA_DIR: dir }, options);
  const url = await whereItListens(child);
  return { ...child, ...callsTo(url), url, dir };
};
