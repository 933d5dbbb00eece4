import { cpSync } from 'node:fs';
import { createEmulator } from '../emulator/server.ts';
import { removeFolder, temporaryFolder } from './children.ts';
import { median, milliseconds } from './figures.ts';
import { startService } from './programs.ts';
import type { Bench } from './report.ts';

const EXCHANGES = 20;
const MOST_CALLS = 3;

const say = async (url: string, message: string, user_id = 'visitor'): Promise<number> => {
  const began = performance.now();
  const response = await fetch(`${url}/api/chat`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_id, message }),
  });
  await response.json();
  if (response.status !== 200) throw new Error(`the answer was ${response.status}`);
  return performance.now() - began;
};

/**
 * What it costs to make a thread of 20 exchanges anew at Responses, the run included. The emulator is in this
 * process, because its calls are counted; the new thread is made as after a change of provider.
 */
export const rebuild: Bench = async ({ quick }) => {
  const dataDir = temporaryFolder();
  const old = await createEmulator();
  const first = await startService(old.url, { dataDir });
  for (let n = 1; n <= EXCHANGES; n += 1) await say(first.url, `message ${n}`);
  await first.stop();
  await old.close();

  const times: { rebuilt: number[]; usual: number[] } = { rebuilt: [], usual: [] };
  let calls = 0;
  for (let round = 0; round < (quick ? 2 : 5); round += 1) {
    // Another address each time: no thread was made there. And the same folder: 20 exchanges, not more.
    const emulator = await createEmulator();
    const copy = temporaryFolder();
    cpSync(dataDir, copy, { recursive: true });
    const service = await startService(emulator.url, { dataDir: copy });
    await say(service.url, 'warm up', 'another visitor');
    const before = emulator.calls.total;
    times.rebuilt.push(await say(service.url, 'Do you remember?'));
    calls = Math.max(calls, emulator.calls.total - before);
    times.usual.push(await say(service.url, 'And now?'));
    await service.stop();
    await emulator.close();
    removeFolder(copy);
  }
  removeFolder(dataDir);
  return [
    {
      what: `calls to make a thread of ${EXCHANGES} exchanges anew, run included`,
      measured: String(calls),
      baseline: '1 (usual message)',
      target: `at most ${MOST_CALLS}`,
      ok: calls <= MOST_CALLS,
    },
    {
      what: 'time of that message',
      measured: milliseconds(median(times.rebuilt)),
      baseline: milliseconds(median(times.usual)),
      target: 'informs',
    },
  ];
};
