import { createSessionTokens } from '../src/identity/session-tokens.ts';
import { median, percentile } from './figures.ts';
import type { Bench } from './report.ts';

const MOST_MS = 0.1;
/** Checks that are timed together: one alone is too short for the clock. */
const BATCH = 50;

/** What a session token costs each request and frame that carries one. */
export const tokens: Bench = async ({ quick }) => {
  const { issue, verify } = createSessionTokens({
    secrets: ['a-secret-of-at-least-thirty-two-characters'],
    ttl: 60_000,
    max: 600_000,
    grace: 0,
    ended: { endToken: async () => true, hasEnded: async () => false },
    clock: { now: () => Date.now() },
  });
  const { token } = await issue({ userId: 'visitor-1', name: 'Ann' });
  const batch = async (): Promise<number> => {
    const began = performance.now();
    for (let n = 0; n < BATCH; n++) await verify(token);
    return (performance.now() - began) / BATCH;
  };
  for (let n = 0; n < 20; n++) await batch();
  const times: number[] = [];
  for (let n = 0; n < (quick ? 50 : 300); n++) times.push(await batch());
  const ms = median(times);
  const exact = (value: number): string => `${value.toFixed(3)} ms`;
  return [
    {
      what: `token check (p99 of batches: ${exact(percentile(times, 0.99))})`,
      measured: exact(ms),
      baseline: '—',
      target: `at most ${MOST_MS} ms`,
      ok: ms <= MOST_MS,
    },
  ];
};
