import { expect, test } from 'vitest';
import { crashRounds } from '../helpers/crash-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const ROUNDS = Number(process.env.ROUNDS ?? 1000);

test(`${ROUNDS} rounds of load and SIGKILL lose and double nothing (seed ${SEED})`, async ({ annotate }) => {
  const report = await crashRounds(ROUNDS, SEED);
  await annotate(JSON.stringify(report));
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.acknowledged).toBeGreaterThan(ROUNDS * 5);
  expect(report.midWrite).toBeGreaterThan(0);
});
