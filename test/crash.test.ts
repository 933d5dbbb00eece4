import { expect, test } from 'vitest';
import { crashRounds } from './helpers/crash-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const ROUNDS = 8;

test(`a service that is killed at any moment keeps every acknowledged exchange exactly once, and threads go on (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const report = await crashRounds(ROUNDS, SEED);
  expect(report.acknowledged).toBeGreaterThan(50);
  expect(report.reads).toBeGreaterThan(50);
  expect(report.archived).toBeGreaterThan(0);
});
