import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { runMain, whereItListens } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore } from '../stores/sqlite/helper.ts';

/**
 * Readers that do not read what they ask for: what they cost the service in memory, and when they are closed.
 * Before answers were bounded, 60 histories of 18 MB took 1.1 GB. Linux only: memory is read in /proc.
 */

const WATCHED_MS = 240_000;
const MB = 1_000_000;
/** What they may cost: an answer and what is made on its way, for each. */
const BOUND_MB = 300;
/** The longest exchange that a log may have is 16 MiB. */
const LARGE = 16 * MB;

/** What a visitor said whose history has so many bytes: in a hundred exchanges, or in one that an older log had. */
const exchanges = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    ...{ user: `Question ${n}`, bot: 'x'.repeat(LARGE / count), timestamp: 1_700_000_000 + n },
    ...{ id: `exchange-${count}-${n}`, verified: true },
  }));

const rssOf = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
};

/** A reader that sends its request and takes nothing of the answer. */
const deafReader = async (url: string, request: string) => {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(request);
  return socket;
};

/** A reader's connection, as the kernel knows it: whether the service has closed it, and the bytes that nobody has read. */
interface Connection {
  readonly isOpen: boolean;
  readonly unread: number;
}

const connectionsOf = async (readers: readonly Socket[], url: string): Promise<Connection[]> => {
  const hex = (port = 0) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const service = hex(Number(new URL(url).port));
  const ESTABLISHED = '01';
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return readers.map(({ localPort }) => {
    let [isOpen, unread] = [false, 0];
    for (const [, from = '', to = '', state, queues = ''] of rows) {
      const [sent = 0, received = 0] = queues.split(':').map((bytes) => Number.parseInt(bytes, 16));
      if (from.endsWith(service) && to.endsWith(hex(localPort))) {
        isOpen ||= state === ESTABLISHED;
        unread += sent;
      } else if (to.endsWith(service) && from.endsWith(hex(localPort))) unread += received;
    }
    return { isOpen, unread };
  });
};

describe.skipIf(process.platform !== 'linux')('readers that do not read', () => {
  it.each([
    ['histories of many exchanges', '/chat_history/TOKEN', 100, 1, 60],
    ['histories of one exchange of 16 MB', '/chat_history/TOKEN', 1, 1, 60],
    // What 60 take of these is made for minutes before nothing moves any more.
    ['pages of our own history, 32 at once', '/api/history', 1, 32, 20],
  ])('%s', { timeout: 400_000 }, async (what, route, count, atOnce, amount) => {
    const dir = await temporaryFolder();
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify({ ann: exchanges(count) }));
    // Made first: on a busy machine that takes longer than a start may.
    await (await openStore(dir)).close();
    const child = await runMain({
      ...{ DATA_DIR: dir, SITE_KEYS: SITE_KEY, RATE_LIMIT: 'off', PORT: '0', HOST: '127.0.0.1' },
    });
    await until(() => child.lines().some(({ msg }) => msg === 'listening'), 'the start', 60_000);
    const service = { url: await whereItListens(child), pid: child.pid };
    const { body } = await callApi(service, 'POST', '/api/session', {
      ...{ bearer: SITE_KEY, json: { user_id: 'ann' } },
    });
    const token = String(body.session_token);
    const target = route.replace('TOKEN', token);
    const headers = { Authorization: `Bearer ${token}` };
    const request =
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`.repeat(atOnce);
    // Once read whole, so that what the process needs anyway is there.
    const { length } = await (await fetch(service.url + target, { headers })).text();
    const before = await rssOf(service.pid);
    const begun = performance.now();
    const readers = await Promise.all(Array.from({ length: amount }, () => deafReader(service.url, request)));
    let peak = 0;
    const seen = readers.map(() => ({ unread: 0, movedAt: begun, closedAt: NaN }));
    while (seen.some(({ closedAt }) => Number.isNaN(closedAt)) && performance.now() - begun < WATCHED_MS) {
      peak = Math.max(peak, await rssOf(service.pid));
      const now = performance.now();
      for (const [n, { isOpen, unread }] of (await connectionsOf(readers, service.url)).entries()) {
        const reader = seen[n];
        if (!reader) continue;
        if (!isOpen && Number.isNaN(reader.closedAt)) reader.closedAt = now;
        else if (isOpen && unread !== reader.unread) Object.assign(reader, { unread, movedAt: now });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const waits = seen.flatMap(({ movedAt, closedAt }) =>
      Number.isNaN(closedAt) ? [] : [(closedAt - movedAt) / 1000],
    );
    const grown = Math.round((peak - before) / MB);
    process.stderr.write(
      `${amount} × ${what}: answers of ${(length / MB).toFixed(1)} MB, ${grown} MB more at most, ${waits.length} closed ${Math.min(...waits).toFixed(1)} to ${Math.max(...waits).toFixed(1)} s after their last byte\n`,
    );
    expect(grown).toBeLessThan(BOUND_MB);
    // What the kernel has taken of an answer is no matter of ours: here it cannot take all.
    if (atOnce > 1) {
      expect(waits).toHaveLength(amount);
      expect(Math.min(...waits)).toBeGreaterThan(25);
      expect(Math.max(...waits)).toBeLessThan(45);
    }
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });
});
