import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { callsTo, runMain, whereItListens } from '../helpers/child-service.ts';
import { startEmulator, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { openStore, tempFolder } from '../stores/sqlite/helper.ts';

const from = (address: string) => ({ 'X-Forwarded-For': address });

describe('the share of an address', () => {
  it('is not given again by a restart, not even by a kill, and no file holds the address', async () => {
    const env = {
      ...upstreamEnv(await startEmulator()),
      ...{ RATE_LIMIT: 'off', DAILY_MESSAGES: '100', DAILY_MESSAGES_PER_ADDRESS: '2', TRUST_PROXY: '1' },
      ...{ DATA_DIR: await temporaryFolder(), PORT: '0', HOST: '127.0.0.1' },
    };
    const statuses: number[] = [];
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGTERM'] as const) {
      const child = await runMain(env);
      const { post } = callsTo(await whereItListens(child));
      statuses.push((await post({ message: 'Hi' }, from('203.0.113.77'))).status);
      child.kill(signal);
      await child.ended;
    }
    expect(statuses).toEqual([200, 200, 429]);
    for (const name of await readdir(env.DATA_DIR)) {
      const bytes = await readFile(path.join(env.DATA_DIR, name));
      expect([name, bytes.includes('203.0.113')]).toEqual([name, false]);
    }
    const { post } = callsTo(await whereItListens(await runMain(env)));
    expect((await post({ message: 'Hi' }, from('203.0.113.78'))).status).toBe(200);
  });

  it('is forgotten after its day, and what is given back can be used again', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    const count = (key: string) => store.shares.increment(key);
    expect([await count('2026-11-26 a'), await count('2026-11-26 a')]).toEqual([
      { totalHits: 1 },
      { totalHits: 2 },
    ]);
    await store.shares.decrement('2026-11-26 a');
    expect(await count('2026-11-26 b')).toEqual({ totalHits: 1 });
    await store.close();
    const again = await openStore(dir);
    expect(await again.shares.increment('2026-11-26 a')).toEqual({ totalHits: 2 });
    expect(await again.shares.increment('2026-11-27 a')).toEqual({ totalHits: 1 });
    expect(await again.shares.increment('2026-11-26 b')).toEqual({ totalHits: 1 });
    await again.close();
    const later = await openStore(dir);
    // Nobody asks for yesterday any more.
    expect(await later.shares.increment('2026-11-26 a')).toEqual({ totalHits: 1 });
  });
});
