import { expect, test } from 'vitest';
import { outages } from '../helpers/outage-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const ROUNDS = Number(process.env.ROUNDS ?? 100);

test(`${ROUNDS} kills and outages lose and double nothing (seed ${SEED})`, async () => {
  const report = await outages({ rounds: ROUNDS, seed: SEED, pauseMs: 4_000 });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.acknowledged).toBeGreaterThan(ROUNDS);
});
