import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse';
import { expect } from 'vitest';
import { z } from 'zod';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { ROOT, runProgram } from '../helpers/child-service.ts';
import { temporaryFolder } from '../helpers/service.ts';

/** Megabytes that an export may take, however much there is. */
const MOST_MB = 200;
/** Of a message, and of an answer: three times as many as usual. */
const CHARS = 1_000;

const quiet = () => undefined;

/** A data folder with so many long exchanges in it. */
const longFolder = async (count: number): Promise<string> => {
  const dir = await temporaryFolder();
  const store = await openSqliteStore({
    dir,
    maxBytes: 64_000_000,
    clock: { now: () => Date.now() },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    // Its copies are written once.
    tuning: { smallWaitMs: 3_600_000, largeBytes: Number.POSITIVE_INFINITY },
  });
  const text = `"quoted", and\nmore. `.repeat(CHARS / 20);
  for (let n = 0; n < count; n += 250) {
    await store.add(
      Array.from({ length: Math.min(250, count - n) }, (_, index) => ({
        row: {
          id: randomUUID(),
          visitor: `u:visitor-${(n + index) % 1_000}`,
          user: `${n + index}: ${text}`,
          bot: text,
          timestamp: 1_772_323_200 + n + index,
        },
      })),
    );
  }
  await store.updateCopy();
  // Makes all of it searchable, as it is after a while.
  const ops = await openSqliteOps(store);
  await ops.conversations({ words: ['nothing'] }, { limit: 1 });
  ops.stop();
  await store.close();
  return dir;
};

/** The most memory that a process has had, in megabytes; undefined where the system does not tell. */
const peakOf = async (pid: number): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
};

/** Exports so many exchanges by the command, as CSV, and reads them back. */
export const exportMany = async (count: number): Promise<void> => {
  const dir = await longFolder(count);
  const out = path.join(dir, 'all.csv');
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')));
  // As npm runs it, with the flags that it has there.
  const child = await runProgram(
    ['sh', '-c', `${scripts.export} "$@"`, 'sh', '--format', 'csv', '--out', out],
    { env: { DATA_DIR: dir }, cwd: ROOT },
  );
  let peak: number | undefined;
  let isOver = false;
  const ended = child.ended.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    peak = (await peakOf(child.pid)) ?? peak;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await ended, child.stderr()).toEqual([0, null]);
  expect((await stat(out)).size).toBeGreaterThan(count * 2 * CHARS);
  if (process.platform === 'linux') expect(peak).toBeLessThan(MOST_MB);
  let read = 0;
  for await (const _ of createReadStream(out).pipe(parse({ bom: true, columns: true }))) read++;
  expect(read).toBe(count);
};
