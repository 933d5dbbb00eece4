import type { Emulator, EmulatorOptions } from '../../emulator/server.ts';
import { atEnd } from './at-end.ts';
import { type Calls, type ChildService, callsTo, startChildService } from './child-service.ts';
import { type RoundRobin, startRoundRobin } from './round-robin.ts';
import { startEmulator, upstreamEnv } from './service.ts';

/** Several processes on one database, one upstream, and what stands in front of them. */
export interface Site extends Calls {
  /** Where clients call. */
  readonly front: RoundRobin;
  readonly emulator: Emulator;
  /** Those that run now; another takes the place of one that was killed. */
  readonly processes: readonly ChildService[];
  /** Starts a process in the place of another. */
  replace(index: number): Promise<void>;
}

/** A secret that all processes share. */
const SESSION_SECRET = 'a-secret-of-at-least-thirty-two-characters';

/** Starts the processes; they end with the test. */
export const startSite = async (options: {
  databaseUrl: string;
  processes?: number;
  env?: Record<string, string>;
  emulator?: EmulatorOptions;
}): Promise<Site> => {
  const emulator = await startEmulator({ record: 0, ...options.emulator });
  const env = {
    ...upstreamEnv(emulator),
    DATABASE_URL: options.databaseUrl,
    SESSION_SECRET,
    TRUST_PROXY: '1',
    ...options.env,
  };
  const processes = await Promise.all(
    Array.from({ length: options.processes ?? 3 }, () => startChildService(env)),
  );
  const front = await startRoundRobin(() => processes.map(({ url }) => url));
  atEnd(() => {
    for (const { kill } of processes) kill('SIGKILL');
  });
  return {
    ...callsTo(front.url),
    front,
    emulator,
    processes,
    replace: async (index) => {
      processes[index] = await startChildService(env);
    },
  };
};

/** Each as often as given, in an order that is the same for the same seed. */
export const shuffled = <T>(list: readonly T[], random: () => number): T[] => {
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [all[i], all[j]];
    if (a !== undefined && b !== undefined) [all[i], all[j]] = [b, a];
  }
  return all;
};
