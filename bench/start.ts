import { removeFolder, temporaryFolder } from './children.ts';
import { median, milliseconds } from './figures.ts';
import { FULL, HUGE, writeFullLog } from './fill.ts';
import { startEmulator, startService } from './programs.ts';
import type { Bench, Row } from './report.ts';

const MOST_MS = 2_000;

/** From the start of the process to the first answer, on one and the same folder. */
const startOnce = async (emulator: string, dataDir: string): Promise<number> => {
  const began = performance.now();
  const service = await startService(emulator, { dataDir });
  const response = await fetch(`${service.url}/api/chat`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_id: 'visitor-1', message: 'Are you there?' }),
  });
  if (response.status !== 200) throw new Error(`the first answer was ${response.status}`);
  await response.json();
  const ms = performance.now() - began;
  await service.stop();
  return ms;
};

/** Start to first answered request with so many exchanges on disk, and with none. */
const startOn = async (emulator: string, exchanges: number, rounds: number): Promise<Row> => {
  const [full, empty] = [temporaryFolder(), temporaryFolder()];
  writeFullLog(full, undefined, exchanges);
  // The first start makes the database.
  await startOnce(emulator, full);
  const times: { full: number[]; empty: number[] } = { full: [], empty: [] };
  for (let round = 0; round < rounds; round++) {
    times.full.push(await startOnce(emulator, full));
    times.empty.push(await startOnce(emulator, empty));
  }
  removeFolder(full);
  removeFolder(empty);
  const ms = median(times.full);
  return {
    what: `start to first answer, ${exchanges.toLocaleString('en')} exchanges on disk`,
    measured: milliseconds(ms),
    baseline: `${milliseconds(median(times.empty))} (empty log)`,
    target: `at most ${MOST_MS.toLocaleString('en')} ms`,
    ok: ms <= MOST_MS,
  };
};

/** Start to first answered request with a full log on disk. */
export const start: Bench = async ({ quick }) => {
  const emulator = await startEmulator();
  const rows = [await startOn(emulator.url, FULL, quick ? 2 : 5)];
  if (!quick) rows.push(await startOn(emulator.url, HUGE, 3));
  await emulator.stop();
  return rows;
};
