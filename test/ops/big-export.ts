import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { expect } from 'vitest';
import { z } from 'zod';
import { FORMATS, type Format } from '../../src/ops/export-forms.ts';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { ROOT, runProgram, startChildService } from '../helpers/child-service.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { asOps, OPS_TOKEN } from './helper.ts';

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

/** Memory of a process in megabytes: what it has, or the most that it has had; undefined where the system does not tell. */
const memoryOf = async (pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = new RegExp(`^${what}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
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
    peak = (await memoryOf(child.pid, 'VmHWM')) ?? peak;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await ended, child.stderr()).toEqual([0, null]);
  expect((await stat(out)).size).toBeGreaterThan(count * 2 * CHARS);
  if (process.platform === 'linux') expect(peak).toBeLessThan(MOST_MB);
  let read = 0;
  for await (const _ of createReadStream(out).pipe(parse({ bom: true, columns: true }))) read++;
  expect(read).toBe(count);
};

/** How many exchanges an export in this form has, read to its end. */
const countIn = async (format: Format, body: Readable): Promise<number> => {
  let count = 0;
  if (format === 'csv') for await (const _ of body.pipe(parse({ bom: true, columns: true }))) count++;
  else for await (const line of createInterface(body)) if (/^( {2})?\{"/.test(line)) count++;
  return count;
};

/** Downloads so many exchanges from a running service, in each form. @returns Megabytes: idle, and the most in each form. */
export const downloadMany = async (count: number): Promise<Record<string, number>> => {
  const service = await startChildService({
    DATA_DIR: await longFolder(count),
    BACKEND: 'offline',
    OPS_TOKEN,
  });
  const get = (route: string) => fetch(service.url + route, { headers: asOps });
  // Whatever it needs at all is there after these.
  for (const route of ['/ops', '/ops/conversations', '/api/ops/export?format=csv&q=nothing']) {
    expect((await (await get(route)).text()).length).toBeGreaterThan(0);
  }
  const idle = (await memoryOf(service.pid, 'VmRSS')) ?? 0;
  const most: Record<string, number> = {};
  for (const format of FORMATS) {
    // The most until now is forgotten.
    await writeFile(`/proc/${service.pid}/clear_refs`, '5');
    const { body } = await get(`/api/ops/export?format=${format}`);
    if (!body) throw new Error('the export has no body');
    expect(await countIn(format, Readable.fromWeb(body)), format).toBe(count);
    most[format] = (await memoryOf(service.pid, 'VmHWM')) ?? 0;
    expect(most[format] - idle, `${format}: megabytes above ${idle} idle`).toBeLessThan(MOST_MB);
  }
  return { idle, ...most };
};
