import { readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request } from 'node:https';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ROOT, runProgram } from '../helpers/child-service.ts';
import { allEvents, readEvents, until } from '../helpers/events.ts';
import { startBoth, temporaryFolder } from '../helpers/service.ts';
import { tokenFor } from '../helpers/sockets.ts';
import { EXAMPLES, freePort, runCaddy, works } from './helper.ts';

const FIXTURES = path.join(ROOT, 'test/stores/postgres/fixtures');

interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly body?: object;
  readonly headers?: Record<string, string>;
  /** The loopback address that the call comes from. */
  readonly from?: string;
}

/** Calls through the proxy; its certificate is not one of a known authority. */
const ask = (url: string, { method = 'POST', body, headers = {}, from }: Ask): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(from === undefined ? {} : { localAddress: from }),
    };
    const call = url.startsWith('https:')
      ? request(url, { ...options, rejectUnauthorized: false }, resolve)
      : plainRequest(url, options, resolve);
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });

interface Proxy {
  readonly name: string;
  readonly isInstalled: boolean;
  /** Starts it with the example's file, its port and the service's put in. @returns Its address. */
  start(servicePort: string): Promise<string>;
}

const startNginx = async (servicePort: string): Promise<string> => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const site = (await readFile(path.join(EXAMPLES, 'nginx/chat.conf'), 'utf8'))
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('127.0.0.1:5000', `127.0.0.1:${servicePort}`)
    .replace(/\S+fullchain\.pem/, path.join(FIXTURES, 'server.crt'))
    .replace(/\S+privkey\.pem/, path.join(FIXTURES, 'server.key'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  await writeFile(
    path.join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${temporary.join(' ')}\n${site}\n}`,
  );
  await runProgram(['nginx', '-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'stderr']);
  return `https://127.0.0.1:${port}`;
};

const startCaddy = async (servicePort: string): Promise<string> => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const site = (await readFile(path.join(EXAMPLES, 'caddy/Caddyfile'), 'utf8'))
    .replace('chat.example.org', url)
    .replace('127.0.0.1:5000', `127.0.0.1:${servicePort}`);
  await runCaddy(site);
  return url;
};

const PROXIES: readonly Proxy[] = [
  { name: 'nginx', isInstalled: works('nginx', '-v'), start: startNginx },
  { name: 'caddy', isInstalled: works('caddy', 'version'), start: startCaddy },
];

describe.each(PROXIES)('behind $name with the file of examples/', ({ name, isInstalled, start }) => {
  const skipped = isInstalled ? '' : ` (skipped: no ${name} is installed)`;

  const startAll = async (env: Record<string, string> = {}) => {
    const both = await startBoth({ env: { TRUST_PROXY: '1', ...env }, emulator: { pace: 1 } });
    const url = await start(new URL(both.service.url).port);
    await until(
      () =>
        ask(`${url}/healthz`, { method: 'GET' })
          .then(({ statusCode }) => statusCode === 200)
          .catch(() => false),
      `${name} listens`,
    );
    return { ...both, url };
  };

  it.skipIf(!isInstalled)(`answers come word by word${skipped}`, async () => {
    const { emulator, url } = await startAll();
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    const incoming = await ask(`${url}/api/chat`, {
      body: { user_id: 'ann', message: 'Hello' },
      headers: { Accept: 'text/event-stream' },
    });
    expect(incoming.statusCode).toBe(200);
    const events = readEvents(new Response(Readable.toWeb(incoming)));
    // Held in the middle: what came so far is here all the same.
    expect((await events.next()).value?.event).toBe('accepted');
    expect((await events.next()).value?.event).toBe('delta');
    await expect.poll(() => hold.holds).toBe(1);
    hold.release();
    expect((await allEvents(events)).at(-1)?.event).toBe('done');
  });

  it.skipIf(!isInstalled)(
    `each address has a limit of its own, whatever it says of itself${skipped}`,
    async () => {
      const { url } = await startAll({ RATE_LIMIT: '1/1h' });
      const post = async (from: string, claimed: string) => {
        const headers = { 'X-Forwarded-For': claimed };
        const incoming = await ask(`${url}/api/chat`, { body: { message: 'Hello' }, headers, from });
        incoming.resume();
        return incoming.statusCode;
      };
      expect(await post('127.0.0.1', '203.0.113.1')).toBe(200);
      expect(await post('127.0.0.1', '203.0.113.2')).toBe(429);
      // Elsewhere loopback has but one address.
      if (process.platform === 'linux') expect(await post('127.0.0.2', '203.0.113.1')).toBe(200);
    },
  );

  it.skipIf(!isInstalled)(`WebSockets pass${skipped}`, async () => {
    const { service, url } = await startAll();
    const token = await tokenFor(service);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/chat/ws`, ['thread-proxy', token], {
      rejectUnauthorized: false,
    });
    const frames: string[] = [];
    const isDone = new Promise<void>((resolve, reject) => {
      socket.on('error', reject).on('message', (data) => {
        frames.push(String(data));
        if (String(data).includes('"done"')) resolve();
      });
    });
    socket.on('open', () => socket.send(JSON.stringify({ type: 'message', id: 'one', message: 'Hello' })));
    await isDone;
    expect(frames[0]).toContain('"accepted"');
    socket.close();
  });
});
