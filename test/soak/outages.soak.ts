import { expect, test } from 'vitest';
import { checkAcknowledged, outageRounds } from '../helpers/outage-rounds.ts';
import { startPostgres } from '../helpers/postgres.ts';
import { startSite } from '../helpers/site.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const ROUNDS = Number(process.env.ROUNDS ?? 100);

test(`${ROUNDS} kills and outages lose and double nothing (seed ${SEED})`, async () => {
  const postgres = await startPostgres({ durable: true });
  const databaseUrl = await postgres.newDatabase();
  const site = await startSite({ databaseUrl, emulator: { pace: 1 } });
  const { report, acknowledged } = await outageRounds(site, postgres, {
    rounds: ROUNDS,
    seed: SEED,
    pauseMs: 4_000,
  });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.acknowledged).toBeGreaterThan(ROUNDS);
  await checkAcknowledged(databaseUrl, acknowledged);
  await postgres.dispose();
});
