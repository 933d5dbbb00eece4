import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { shared } from '../helpers/at-end.ts';
import { until } from '../helpers/events.ts';
import { exchangeRaw } from '../helpers/raw-http.ts';
import { startBoth, startService } from '../helpers/service.ts';

const HEAD = 'HTTP/1.1\r\nHost: localhost\r\n';

/** A connection, with what came back on it. */
const open = (service: { url: string }) => {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const told = { text: '', isClosed: false };
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    told.text += chunk;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    told.isClosed = true;
  });
  const connected = new Promise<Socket>((resolve) => socket.once('connect', () => resolve(socket)));
  return { socket, told, connected };
};

const answersIn = (text: string): number => text.split('HTTP/1.1 200').length - 1;

describe('a connection', () => {
  it('has at most 32 requests in hand, and is closed behind their answers where more came at once', async () => {
    const service = await startService();
    const { socket, told } = open(service);
    socket.write(`GET /openapi.json ${HEAD}\r\n`.repeat(1_000));
    await until(() => told.isClosed, 'the end of the connection');
    expect(answersIn(told.text)).toBe(32);
    // Those above have cost nothing.
    expect(service.lines.filter(({ path }) => path === '/openapi.json')).toHaveLength(32);
  });

  it('serves any number of requests that come one after the other', async () => {
    const service = await startService();
    const { socket, told } = open(service);
    for (let n = 1; n <= 100; n++) {
      socket.write(`GET /healthz ${HEAD}\r\n`);
      await until(() => answersIn(told.text) === n, `answer ${n}`);
    }
    expect(told.isClosed).toBe(false);
  });

  it('whose pipelined answers are slow gets them all, in order', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const body = '{"user_id":"ann","message":"Think."}';
    const post = `POST /api/chat ${HEAD}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answers = exchangeRaw(service.url, {
      bytes: Buffer.from(`${post}GET /healthz ${HEAD}Connection: close\r\n\r\n`),
    });
    await emulator.next('responses');
    emulator.release();
    expect((await answers).map(({ body }) => body.slice(0, 9))).toEqual(['{"answer"', '{"status"']);
  });

  it('is served its pipelined requests one after the other', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const post = (user: string, more = '') => {
      const body = `{"user_id":"${user}","message":"Think."}`;
      return `POST /api/chat ${HEAD}${more}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    };
    const bytes = Buffer.from(post('ann') + post('bob', 'Connection: close\r\n'));
    const answers = exchangeRaw(service.url, { bytes });
    await emulator.next('responses');
    // Asked for later, on a connection of its own: what was to start of the other has started.
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    const begun = emulator.requests.filter(({ path }) => path.endsWith('/responses'));
    expect(begun).toHaveLength(1);
    emulator.release();
    expect((await answers).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('is told of bytes that are no request only after the answers that it waits for', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const body = '{"user_id":"ann","message":"Think."}';
    const post = `POST /api/chat ${HEAD}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answers = exchangeRaw(service.url, { bytes: Buffer.from(`${post}\x16\x03\x01 nonsense\r\n\r\n`) });
    await emulator.next('responses');
    emulator.release();
    expect((await answers).map(({ status }) => status)).toEqual([200, 400]);
  });

  it('that takes nothing of its answer is closed, also when the answer is whole', async () => {
    const long = 'x'.repeat(60_000);
    const { service } = await startBoth({
      heartbeatMs: 50,
      env: { MAX_MESSAGE_CHARS: '60000', MAX_ANSWER_TOKENS: '1000000' },
      backend: 'completions',
      emulator: { answer: () => `${'y'.repeat(9_999)} `.repeat(1_500) },
    });
    const body = JSON.stringify({ user_id: 'ann', message: long });
    const { socket, told, connected } = open(service);
    await connected;
    socket.pause();
    socket.write(
      `POST /api/chat ${HEAD}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => service.lines.find(({ msg }) => msg === 'request'), 'the answer', 30_000);
    // What the kernel took is there; the rest went with the connection.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    socket.resume();
    await until(() => told.isClosed, 'the end of the connection');
    expect(told.text.length).toBeLessThan(15_000_000);
  });

  it('is closed when its request does not arrive in time, and is told why', async () => {
    const service = await startService({}, { requestTimeoutMs: 300 });
    const [silent, slow] = [open(service), open(service)];
    slow.socket.write(
      `POST /api/chat ${HEAD}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"mess`,
    );
    await until(() => silent.told.isClosed && slow.told.isClosed, 'their end');
    expect(slow.told.text).toMatch(/^HTTP\/1\.1 408 /);
    expect(slow.told.text).toMatch(/^x-request-id: [0-9a-f-]{36}/im);
    expect(slow.told.text).toMatch(
      /"code":"invalid_request",.*"detail":"The request took too long to arrive\."/,
    );
  });
});

describe('connections of one address', () => {
  it('are at most 200, unless it may be a proxy that stands for many', async () => {
    const count = async (env: Record<string, string>) => {
      const service = await startService(env);
      const all = Array.from({ length: 205 }, () => open(service));
      await Promise.all(all.map(({ connected }) => connected));
      // An answer on the last one that is let in shows that all were looked at.
      all.at(199)?.socket.write(`GET /healthz ${HEAD}\r\n`);
      await until(() => answersIn(all.at(199)?.told.text ?? '') === 1, 'an answer');
      await until(
        async () => env.TRUSTED_PROXIES === undefined || all.filter(isClosed).length >= 5,
        'the closing',
      );
      const open200 = all.filter((one) => !isClosed(one));
      for (const { socket } of all) socket.destroy();
      return { left: open200.length, service };
    };
    const isClosed = ({ told }: { told: { isClosed: boolean } }) => told.isClosed;
    const strict = await count({ TRUSTED_PROXIES: '203.0.113.7' });
    expect(strict.left).toBe(200);
    // Those that are gone make room.
    await until(
      async () => (await fetch(`${strict.service.url}/healthz`).catch(() => undefined))?.ok,
      'room',
    );
    expect((await count({})).left).toBe(205);
  });
});

describe('a request', () => {
  const both = shared(() => startBoth());

  const raw = async (service: { url: string }, head: string, more = '') => {
    const bytes = Buffer.from(`${head}\r\nConnection: close\r\n${more}\r\n`, 'latin1');
    const [answer] = await exchangeRaw(service.url, { bytes });
    if (!answer) throw new Error('no answer');
    return answer;
  };

  it.each(['527.0.0.1', '08', 'a.1', 'a b', 'a/b', 'user@host', '[::1', 'x:99999999', ''])(
    'whose Host is %j is refused as invalid, and no line of the log has its query',
    async (host) => {
      const { service } = both();
      const answer = await raw(service, `GET /api/history?token=secret HTTP/1.1\r\nHost: ${host}`);
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toMatchObject({
        error: { code: 'invalid_request', request_id: answer.requestId },
      });
      expect(JSON.stringify(service.lines)).not.toContain('secret');
    },
  );

  it.each([
    'localhost',
    'Example.ORG:8080',
    '[::1]:80',
    '127.0.0.1',
    'under_score.example',
    'xn--bcher-kva.example',
  ])('whose Host is %j is served', async (host) => {
    const { service } = both();
    expect((await raw(service, `GET /healthz HTTP/1.1\r\nHost: ${host}`)).status).toBe(200);
  });

  it.each(['/healthz', '/readyz'])(
    'of HTTP/1.0 without Host is answered at %s, as load balancers ask',
    async (path) => {
      const { service } = both();
      const { socket, told } = open(service);
      socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
      await until(() => told.isClosed, 'the answer');
      expect(told.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"status":"ok"\}$/);
    },
  );

  it('of HTTP/1.1 without Host is refused', async () => {
    const { service } = both();
    expect((await raw(service, 'GET /healthz HTTP/1.1')).status).toBe(400);
  });

  it.each([
    ['bytes that are no HTTP', 400, '\x16\x03\x01\x02', ''],
    ['headers that are too large', 431, 'GET / HTTP/1.1\r\nHost: x', `X-Long: ${'x'.repeat(20_000)}\r\n`],
    ['an expectation that cannot be met', 417, 'GET / HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected', ''],
  ])('of %s is refused with %i in our form', async (_, status, head, more) => {
    const { service } = both();
    const answer = await raw(service, head, more);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      error: {
        code: 'invalid_request',
        message: expect.any(String),
        detail: expect.any(String),
        request_id: answer.requestId,
      },
    });
    expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['/api/chat/', '//api/chat', '/api//chat//', '/api/chat/?x=1'])(
    'to %s is one to /api/chat',
    async (path) => {
      const { service } = both();
      const status = await new Promise((resolve, reject) => {
        const { port } = new URL(service.url);
        const headers = { 'Content-Type': 'application/json' };
        const call = request({ port, path, method: 'POST', headers }, ({ statusCode }) =>
          resolve(statusCode),
        );
        call.on('error', reject);
        call.end('{"message":"Hi"}');
      });
      expect(status).toBe(200);
    },
  );
});
