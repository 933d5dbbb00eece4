import { expect, test } from 'vitest';
import { outages } from '../helpers/outage-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);

test(`processes that are killed and a database that goes and comes lose and double nothing (seed ${SEED})`, {
  timeout: 150_000,
}, async () => {
  const report = await outages({ rounds: 4, seed: SEED, pauseMs: 650 });
  expect(report).toMatchObject({ kills: 3, outages: 1 });
  expect(report.acknowledged).toBeGreaterThan(100);
});
