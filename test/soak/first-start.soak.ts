import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runMain, whereItListens } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder } from '../helpers/service.ts';

/**
 * The first start on the log of an older system, of 490 MB or LOG_MB: it took 2.2 GB and said nothing until it was over.
 * Linux only: memory is read in /proc.
 */

const LOG_MB = Number(process.env.LOG_MB ?? 490);
const MB = 1024 * 1024;
const MAX_RSS = 300 * MB;
const USERS = 2_000;

const writeLog = async (file: string): Promise<number> => {
  const out = createWriteStream(file);
  const bot = 'An answer of some length that explains a thing, and one more. '.repeat(15);
  const each = Math.ceil((LOG_MB * MB) / USERS / (bot.length + 80));
  for (let user = 0; user < USERS; user++) {
    const list = Array.from({ length: each }, (_, n) => ({
      ...{ user: `Question ${n}`, bot, timestamp: 1_700_000_000 + n * 60 + user / 1000 },
    }));
    const text = `${user === 0 ? '{' : ','}"user-${user}":${JSON.stringify(list)}`;
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end('}');
  await once(out, 'finish');
  return USERS * each;
};

it.skipIf(process.platform !== 'linux')(
  `a first start on a log of ${LOG_MB} MB tells how far it is, in bounded memory`,
  { timeout: 1_200_000 },
  async () => {
    const dir = path.join(await temporaryFolder(), 'data');
    await mkdir(dir);
    const exchanges = await writeLog(path.join(dir, 'conversations.json'));
    const begun = performance.now();
    const child = await runMain({ DATA_DIR: dir, PORT: '0', HOST: '127.0.0.1' });
    await until(
      () => child.lines().some(({ msg }) => msg === 'the database is made'),
      'the database',
      900_000,
    );
    const seconds = (performance.now() - begun) / 1000;
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    process.stdout.write(
      `${exchanges} exchanges of ${LOG_MB} MB in ${seconds.toFixed(1)} s, ${Math.round(peak / MB)} MB at most\n`,
    );
    const told = child.lines().filter(({ msg }) => msg === 'making the database');
    expect(told.map(({ percent }) => percent)).toEqual(
      told.map(({ percent }) => Number(percent)).toSorted((a, b) => a - b),
    );
    // It says so every five seconds, and less often where it gets little of the machine.
    expect(told.length).toBeGreaterThanOrEqual(Math.floor(seconds / 15));
    expect(peak).toBeLessThan(MAX_RSS);
    await until(() => child.lines().some(({ msg }) => msg === 'listening'), 'the start', 120_000);
    expect((await fetch(`${await whereItListens(child)}/readyz`)).status).toBe(200);
  },
);
