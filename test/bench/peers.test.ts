import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PEERS_ARE_INSTALLED } from '../../bench/peers.ts';

const root = path.join(import.meta.dirname, '../..');
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['bench/main.ts', 'peers', ...args], { cwd: root, encoding: 'utf8' });

const Rows = z.array(z.object({ what: z.string(), measured: z.string(), target: z.string() }));

describe('the bench of peers', () => {
  it.skipIf(PEERS_ARE_INSTALLED)('says in one sentence how to install them', () => {
    const { status, stderr } = bench();
    expect(status).toBe(1);
    expect(stderr).toBe('The peers are not installed: run `npm ci --prefix bench/peers` first.\n');
  });

  const title = PEERS_ARE_INSTALLED
    ? 'measures all of them against one emulator, and says what each lacks'
    : 'measures all of them (skipped: `npm ci --prefix bench/peers` was not run)';
  it.skipIf(!PEERS_ARE_INSTALLED)(
    title,
    () => {
      const { status, stdout, stderr } = bench('--quick', '--json');
      expect(status, stderr).toBe(0);
      const rows = Rows.parse(JSON.parse(stdout));
      const measured = rows.filter((row) => /^[\d,]+\/s, p50 [\d.]+ ms$/.test(row.measured));
      expect(measured).toHaveLength(9);
      expect(rows.filter((row) => row.measured === 'none').map((row) => row.what)).toEqual([
        'streams, 32 callers: older way',
      ]);
      for (const row of rows) expect(row.target).toMatch(/\b(has|no) /);
    },
    300_000,
  );
});
