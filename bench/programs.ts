/** The three programs that are measured against each other, each a process of its own, all on loopback. */

import { join } from 'node:path';
import { z } from 'zod';
import { type Program, startProgram } from './children.ts';

const root = join(import.meta.dirname, '..');

/** Those of bin/thread-proxy. */
const FLAGS = ['--max-semi-space-size=8'];
const LAUNCHER_ENV = { MALLOC_ARENA_MAX: '2' };

/** Words in an answer. */
const WORDS = 45;

/** @param pace Milliseconds between two words; 0: the whole answer at once. */
export const startEmulator = (pace = 0): Promise<Program> =>
  startProgram(join(root, 'emulator/main.ts'), {
    env: { EMULATOR_PORT: '0', EMULATOR_PACE: String(pace), EMULATOR_WORDS: String(WORDS) },
    ready: /listening on (http:\S+)/,
  });

/** Where the service keeps everything. */
export type Kept = { readonly dataDir: string } | { readonly databaseUrl: string };

/** The service as users run it, but without limits on calls: those are not what is measured. */
export const startService = (
  emulator: string,
  kept: Kept,
  more: Record<string, string> = {},
): Promise<Program> =>
  startProgram(process.env.BENCH_SERVICE ?? join(root, 'src/main.ts'), {
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      ...LAUNCHER_ENV,
      ...('dataDir' in kept
        ? { DATA_DIR: kept.dataDir }
        : { DATABASE_URL: kept.databaseUrl, SESSION_SECRET: 'bench-secret-that-nobody-else-has-anywhere' }),
      BACKEND: 'responses',
      OPENAI_BASE_URL: emulator,
      OPENAI_API_KEY: 'bench-key-that-nobody-else-has',
      RATE_LIMIT: 'off',
      DAILY_MESSAGES: 'off',
      MAX_LIVE_TURNS: '4000',
      // Sockets are bounded by address, and all of these come from one.
      TRUST_PROXY: '1',
      ...more,
    },
    // A folder with an older log of a million exchanges is imported first.
    withinMs: 300_000,
    ready: /"url":"(http:[^"]+)".*"listening"/,
    nodeArgs: [...FLAGS, ...(process.env.BENCH_NODE_ARGS?.split(' ') ?? [])],
  });

/** Bare Hono handlers in front of the same upstream. */
export const startBaseline = (emulator: string): Promise<Program> =>
  startProgram(join(import.meta.dirname, 'baseline-child.ts'), {
    env: { UPSTREAM: emulator },
    ready: /listening on (http:\S+)/,
  });

/** A bare handler that does what the contract cannot do without; see least-child.ts. */
export const startLeast = (emulator: string, dataDir: string): Promise<Program> =>
  startProgram(join(import.meta.dirname, 'least-child.ts'), {
    env: { UPSTREAM: emulator, DATA_DIR: dataDir, ...LAUNCHER_ENV },
    ready: /listening on (http:\S+)/,
    nodeArgs: FLAGS,
  });

const response = z.object({
  output: z.array(z.object({ content: z.array(z.object({ text: z.string() })) })),
});

const ask = async (): Promise<string> => {
  // One without a pace: a paced one takes its time.
  const emulator = await startEmulator();
  const answered = await fetch(`${emulator.url}/responses`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-6-luna', input: 'Hello' }),
  });
  const { output } = response.parse(await answered.json());
  await emulator.stop();
  return output.flatMap(({ content }) => content.map(({ text }) => text)).join('');
};

let asked: Promise<string> | undefined;

/** What every emulator of the bench says to everything. */
export const expectedAnswer = (): Promise<string> => {
  asked ??= ask();
  return asked;
};
