import { expect, test } from 'vitest';
import { cutRounds } from './helpers/cut-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);

test.each(['sse', 'socket'] as const)(
  `a reader over %s that is cut off at any event and comes back ends with the same text, of one run (seed ${SEED})`,
  { timeout: 60_000 },
  async (wire) => {
    const { returns } = await cutRounds(60, SEED, wire);
    expect(returns['at once']).toBeGreaterThan(0);
    expect(returns['when it is over']).toBeGreaterThan(0);
  },
);
