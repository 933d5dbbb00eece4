import { removeFolder, temporaryFolder } from './children.ts';
import { median, perSecond } from './figures.ts';
import { FULL, HUGE, writeFullLog } from './fill.ts';
import type { Bench, Row } from './report.ts';
import { type Appended, startStore } from './store.ts';

const LEAST_RATIO = 0.8;
/** Exchanges after which the compilers have seen the code. */
const WARM_UP = 10_000;

/** An exchange is two appends: the message when it is accepted, the exchange when it is over. */
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

/** Durable appends a second, on a log of so many exchanges and on an empty one. */
const appendTo = async (full: number, rounds: number, exchanges: number): Promise<Row[]> => {
  const fullDir = temporaryFolder();
  writeFullLog(fullDir, undefined, full);
  const pairs: { full: number; during: number; empty: number }[] = [];
  for (let round = 0; round < rounds; round++) {
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
      what: `durable appends with ${full.toLocaleString('en')} exchanges in the log`,
      measured: perSecond(median(pairs.map((pair) => pair.full))),
      baseline: `${perSecond(empty)} (empty log)`,
      target: `${ratio.toFixed(2)} / at least ${LEAST_RATIO}`,
      ok: ratio >= LEAST_RATIO,
    },
    {
      what: 'durable appends while conversations.json is written',
      measured: perSecond(median(pairs.map((pair) => pair.during))),
      baseline: `${perSecond(empty)} (empty log)`,
      target: median(pairs.map((pair) => pair.during / pair.empty)).toFixed(2),
    },
  ];
};

/** Durable appends a second, on full logs and on empty ones. */
export const append: Bench = async ({ quick }) => {
  const hundredThousand = await appendTo(FULL, quick ? 3 : 6, quick ? 10_000 : 20_000);
  return quick ? hundredThousand : [...hundredThousand, ...(await appendTo(HUGE, 4, 20_000))];
};
