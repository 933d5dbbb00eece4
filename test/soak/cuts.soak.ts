import { expect, test } from 'vitest';
import { cutRounds } from '../helpers/cut-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const CUTS = Number(process.env.CUTS ?? 500);

test(`${CUTS} cuts of streams lose and repeat nothing, and no run is doubled (seed ${SEED})`, async () => {
  const report = await cutRounds(CUTS, SEED);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.cuts).toBeGreaterThanOrEqual(CUTS);
  expect(Math.min(...Object.values(report.returns))).toBeGreaterThan(0);
});
