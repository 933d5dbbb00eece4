import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Calls,
  type Child,
  callsTo,
  ROOT,
  runProgram,
  startChildService,
} from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder } from '../helpers/service.ts';

const isLinux = process.platform === 'linux';
const ENDED_WITHIN_MS = 5_000;

/** A port that nobody listens on: the service cannot say which one it took where its output goes nowhere. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/** The service with its standard output where the shell's `redirect` sends it. */
const startRedirected = async (
  redirect: string,
  env: Record<string, string> = {},
): Promise<Child & Calls> => {
  const port = await freePort();
  const child = await runProgram(['sh', '-c', redirect, process.execPath, path.join(ROOT, 'src/main.ts')], {
    env: {
      HOST: '127.0.0.1',
      PORT: String(port),
      RATE_LIMIT: 'off',
      DAILY_MESSAGES: 'off',
      DATA_DIR: await temporaryFolder(),
      ...env,
    },
  });
  const calls = callsTo(`http://127.0.0.1:${port}`);
  const isUp = () =>
    calls.get('/healthz').then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(isUp, 'an answer of /healthz', 15_000);
  return { ...child, ...calls };
};

const answersAndEnds = async (service: Child & Calls) => {
  expect((await service.post({ message: 'Hello' })).status).toBe(200);
  await manyLines(service, 50);
  // Time for a batch of lines to fail, and for the next one.
  await sleep(300);
  expect((await service.post({ message: 'Still there?' })).status).toBe(200);
  expect((await service.get('/healthz')).status).toBe(200);
  await endsOnSignal(service);
  expect(service.stderr()).toBe('');
};

/** So many calls that are logged. */
const manyLines = async (service: Calls, count: number) => {
  for (let done = 0; done < count; done++) expect((await service.get('/no-such-path')).status).toBe(404);
};

const endsOnSignal = async (service: Child) => {
  service.kill('SIGTERM');
  const late = sleep(ENDED_WITHIN_MS, 'still running', { ref: false });
  expect(await Promise.race([service.ended, late])).toEqual([0, null]);
};

describe('a standard output that fails does not stop the service', () => {
  it.runIf(isLinux)('where the disk is full', async () => {
    await answersAndEnds(await startRedirected('exec "$0" "$@" > /dev/full'));
  });

  it('where the reader has gone', async () => {
    const fifo = path.join(await temporaryFolder(), 'fifo');
    await promisify(execFile)('mkfifo', [fifo]);
    // The reader takes one line and goes, as `| head -1` does; the service keeps the shell's process id.
    await answersAndEnds(
      await startRedirected(`head -1 < '${fifo}' > /dev/null & exec "$0" "$@" > '${fifo}'`),
    );
  });

  it('where the reader has stopped reading', async () => {
    const fifo = path.join(await temporaryFolder(), 'fifo');
    await promisify(execFile)('mkfifo', [fifo]);
    const opened = open(fifo, 'r');
    const service = await startRedirected(`exec "$0" "$@" > '${fifo}'`);
    const reader = await opened;
    onTestFinished(() => reader.close());
    // More than a pipe holds, which is 64 KB.
    await manyLines(service, 1_000);
    await answersAndEnds(service);
  });

  it.runIf(isLinux)(
    'where a file may grow no more, and tells how many lines were lost once it may',
    async () => {
      const file = path.join(await temporaryFolder(), 'out');
      // Room for the database, which the limit is for as well, and in this file for a few lines more.
      const limit = 8 * 1024 * 1024;
      await writeFile(file, '');
      await truncate(file, limit - 8192);
      // Appended to, so that emptying the file makes room; SIGXFSZ is ignored by Node.js.
      const service = await startRedirected(`ulimit -f ${limit / 512}; exec "$0" "$@" >> '${file}'`);
      const size = async () => (await stat(file)).size;
      const full = await until(async () => {
        await service.get('/no-such-path');
        const before = await size();
        return before >= limit ? before : undefined;
      }, 'a full file');
      await manyLines(service, 50);
      await sleep(300);
      expect(await size()).toBe(full);
      await promisify(execFile)('truncate', ['-s', '0', file]);
      await service.get('/no-such-path');
      await until(async () => (await size()) > 0, 'lines in the file');
      await endsOnSignal(service);
      const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
      const parsed = lines.map((line) => JSON.parse(line));
      expect(parsed[0]).toMatchObject({
        level: 'warn',
        msg: 'log lines were lost',
        lines: expect.any(Number),
      });
      expect(parsed[0].lines).toBeGreaterThanOrEqual(50);
      expect(parsed.filter(({ msg }) => msg === 'log lines were lost')).toHaveLength(1);
      expect(parsed.at(-1).msg).toBe('stopped');
    },
  );
});

describe('a standard output that works has every line at exit', () => {
  it('in a pipe', async () => {
    const service = await startChildService();
    await manyLines(service, 50);
    await service.post({ message: 'Hello' });
    await endsOnSignal(service);
    const messages = service.lines().map(({ msg }) => msg);
    expect(messages).toContain('listening');
    expect(messages.at(-1)).toBe('stopped');
    expect(messages.filter((msg) => msg === 'log lines were lost')).toEqual([]);
  });

  it('in a file', async () => {
    const file = path.join(await temporaryFolder(), 'out');
    const service = await startRedirected(`exec "$0" "$@" > '${file}'`);
    await service.post({ message: 'Hello' });
    await endsOnSignal(service);
    expect(JSON.parse((await readFile(file, 'utf8')).trimEnd().split('\n').at(-1) ?? '').msg).toBe('stopped');
  });
});
