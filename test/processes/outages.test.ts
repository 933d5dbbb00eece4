import { expect, test } from 'vitest';
import { checkAcknowledged, outageRounds } from '../helpers/outage-rounds.ts';
import { startPostgres } from '../helpers/postgres.ts';
import { startSite } from '../helpers/site.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const ROUNDS = 4;

test(`processes that are killed and a database that goes and comes lose and double nothing (seed ${SEED})`, {
  timeout: 150_000,
}, async () => {
  const postgres = await startPostgres({ durable: true });
  const databaseUrl = await postgres.newDatabase();
  const site = await startSite({ databaseUrl, emulator: { pace: 1 } });
  const { report, acknowledged } = await outageRounds(site, postgres, {
    rounds: ROUNDS,
    seed: SEED,
    pauseMs: 650,
  });
  expect(report.acknowledged).toBeGreaterThan(100);
  await checkAcknowledged(databaseUrl, acknowledged);
  await postgres.dispose();
});
