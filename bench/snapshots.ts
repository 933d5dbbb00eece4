import { removeFolder, temporaryFolder } from './children.ts';
import { milliseconds } from './figures.ts';
import { FULL, writeFullLog } from './fill.ts';
import type { Bench, Row } from './report.ts';
import { startStore } from './store.ts';

const MOST_MS = 10;
const ONE_VISITOR = 50_000;

const watchSnapshots = async (what: string, snapshots: number, one?: number): Promise<Row> => {
  const dir = temporaryFolder();
  writeFullLog(dir, one);
  const store = startStore(dir);
  await store.watch(1);
  const { p99, max, snapshotMs } = await store.watch(snapshots);
  await store.stop();
  removeFolder(dir);
  return {
    what,
    measured: `${milliseconds(p99)} (longest ${milliseconds(max)}; a rewrite takes ${milliseconds(snapshotMs)})`,
    baseline: '—',
    target: `at most ${MOST_MS} ms`,
    ok: p99 <= MOST_MS,
  };
};

/** How long the event loop is held up while conversations.json is written. */
export const snapshots: Bench = async ({ quick }) => {
  const times = quick ? 3 : 8;
  return [
    await watchSnapshots(
      `event-loop delay p99 while conversations.json is written, ${FULL.toLocaleString('en')}`,
      times,
    ),
    await watchSnapshots(
      `the same, ${ONE_VISITOR.toLocaleString('en')} of them one visitor's`,
      times,
      ONE_VISITOR,
    ),
  ];
};
