import { removeFolder, temporaryFolder } from './children.ts';
import { median, perSecond } from './figures.ts';
import { FULL, writeFullLog } from './fill.ts';
import type { Bench } from './report.ts';
import { type Appended, startStore } from './store.ts';

const LEAST_RATIO = 0.8;
/** Exchanges after which the compilers have seen the code. */
const WARM_UP = 10_000;
const full = FULL.toLocaleString('en');

/** An exchange is two appends: the message when it is taken, the exchange when it is over. */
const appendsPerSecond = ({ exchanges, ms }: Appended): number => (2 * exchanges * 1000) / ms;

/** Durable appends a second on the log in `dir`, by a process that has just opened it and is warm. */
const measure = async (dir: string, exchanges: number): Promise<{ alone: number; during: number }> => {
  const store = startStore(dir);
  await store.append(WARM_UP);
  await store.settle();
  const alone = appendsPerSecond(await store.append(exchanges));
  await store.settle();
  const during = appendsPerSecond(await store.appendDuringSnapshot());
  await store.stop();
  return { alone, during };
};

/** Durable appends a second, on a full log and on an empty one. */
export const append: Bench = async ({ quick }) => {
  const fullDir = temporaryFolder();
  writeFullLog(fullDir);
  const pairs: { full: number; during: number; empty: number }[] = [];
  for (let round = 0; round < (quick ? 3 : 6); round++) {
    const exchanges = quick ? 10_000 : 20_000;
    // A new one each time, for it is empty only once.
    const emptyDir = temporaryFolder();
    const { alone: empty } = await measure(emptyDir, exchanges);
    removeFolder(emptyDir);
    const { alone, during } = await measure(fullDir, exchanges);
    pairs.push({ full: alone, during, empty });
  }
  removeFolder(fullDir);

  const empty = median(pairs.map((pair) => pair.empty));
  const ratio = median(pairs.map((pair) => pair.full / pair.empty));
  return [
    {
      what: `durable appends with ${full} exchanges in the log`,
      measured: perSecond(median(pairs.map((pair) => pair.full))),
      baseline: `${perSecond(empty)} (empty log)`,
      target: `${ratio.toFixed(2)} / at least ${LEAST_RATIO}`,
      ok: ratio >= LEAST_RATIO,
    },
    {
      what: 'durable appends while a snapshot of them is written',
      measured: perSecond(median(pairs.map((pair) => pair.during))),
      baseline: `${perSecond(empty)} (empty log)`,
      target: median(pairs.map((pair) => pair.during / pair.empty)).toFixed(2),
    },
  ];
};
