import { expect, test } from 'vitest';
import { cutRounds } from './helpers/cut-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);

test(`a reader that is cut off at any event and comes back ends with the same text, of one run (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const { returns } = await cutRounds(60, SEED);
  expect(returns['at once']).toBeGreaterThan(0);
  expect(returns['when it is over']).toBeGreaterThan(0);
});
