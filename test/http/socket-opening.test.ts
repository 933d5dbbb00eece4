import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { openSocket, socketUrl, tokenFor } from '../helpers/sockets.ts';

const SITE = 'https://www.example.org';
const refusal = z.object({ error: z.object({ code: z.string(), request_id: z.string() }) });

/** What a handshake that is not granted is answered with. */
const refused = async (url: string, headers: Record<string, string> = {}, protocols: string[] = []) => {
  const ws = new WebSocket(url, protocols, { headers });
  ws.on('error', () => undefined);
  const [, response] = await once(ws, 'unexpected-response');
  let text = '';
  for await (const chunk of response) text += chunk;
  const { error } = refusal.parse(JSON.parse(text));
  expect(response.headers['x-request-id']).toBe(error.request_id);
  return { status: response.statusCode, code: error.code, headers: response.headers };
};

/** Sends a request by hand; gives all that came back until the service closed. */
const rawAnswer = async (url: string, ...lines: string[]): Promise<string> => {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' });
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  return text;
};

describe('the token of a WebSocket', () => {
  it('comes as ?token=, or as a subprotocol, alone or beside thread-proxy, which is then the one chosen', async () => {
    const { service } = await startBoth();
    const token = await tokenFor(service);
    const openings: [object, string][] = [
      [{ token }, ''],
      [{ protocols: [token] }, token],
      [{ protocols: ['thread-proxy', token] }, 'thread-proxy'],
      [{ protocols: [token, 'thread-proxy'] }, 'thread-proxy'],
      [{ protocols: ['thread-proxy'], token }, 'thread-proxy'],
    ];
    for (const [opening, protocol] of openings) {
      const client = await openSocket(service, opening);
      expect(client.ws.protocol).toBe(protocol);
      client.send({ type: 'message', id: crypto.randomUUID(), message: 'Hello!' });
      expect((await client.until()).at(-1)?.type).toBe('done');
      client.ws.close();
    }
  });

  it('that is missing, forged, of another kind or ended closes the socket with 1008, and its code', async () => {
    const { service, emulator } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
    const ended = await tokenFor(service);
    await callApi(service, 'DELETE', '/api/session', { bearer: ended });
    const openings: [object, string][] = [
      [{}, 'session_required'],
      [{ protocols: ['thread-proxy'] }, 'session_required'],
      [{ token: 'nonsense' }, 'session_invalid'],
      [{ protocols: ['nonsense'] }, 'session_invalid'],
      [{ token: `${await tokenFor(service)}x` }, 'session_invalid'],
      [{ token: SITE_KEY }, 'session_invalid'],
      [{ token: ended }, 'session_expired'],
    ];
    for (const [opening, reason] of openings) {
      const client = await openSocket(service, opening);
      client.send({ type: 'message', id: '1', message: 'Hello!' });
      expect(await client.closed).toEqual({ code: 1008, reason });
    }
    expect(emulator.calls.responses).toBe(0);
  });
});

describe('a handshake', () => {
  it('carries our own request id, which the log has, without the token', async () => {
    const { service } = await startBoth();
    const token = await tokenFor(service);
    const client = await openSocket(service, { token, headers: { 'X-Request-Id': 'mine' } });
    const id = client.headers['x-request-id'];
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const lines = () => service.lines.filter(({ request_id }) => request_id === id);
    expect(lines()).toMatchObject([{ msg: 'request', path: '/api/chat/ws', status: 101 }]);
    client.ws.close(4321);
    await until(() => lines().length === 2, 'a line for its end');
    expect(lines()[1]).toMatchObject({ msg: 'socket closed', code: 4321 });
    expect(JSON.stringify(service.lines)).not.toContain(token);
  });

  it('is not compressed, also where the client offers it', async () => {
    const { service } = await startBoth();
    const client = await openSocket(service, { token: await tokenFor(service) });
    expect(client.ws.extensions).toBe('');
  });

  it('from a page of another site is refused with 403, before anything is looked at', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE } });
    const token = await tokenFor(service);
    for (const Origin of ['https://evil.example', 'null']) {
      expect(await refused(socketUrl(service, token), { Origin })).toMatchObject({
        status: 403,
        code: 'origin_not_allowed',
      });
    }
    for (const Origin of [SITE, service.url.replace('localhost', '127.0.0.1')]) {
      await openSocket(service, { token, headers: { Origin } });
    }
    await openSocket(service, { token });
  });

  it('of the 21st socket of an address is refused with 429, until one of the others is closed', async () => {
    const { service } = await startBoth({ env: { TRUST_PROXY: '1' } });
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    const token = await tokenFor(service);
    const open = (address: string) => openSocket(service, { token, headers: from(address) });
    const [first] = await Promise.all(Array.from({ length: 20 }, () => open('203.0.113.1')));
    const url = socketUrl(service, token);
    // What a client says of itself, to the left of what the proxy says, does not help.
    for (const address of ['203.0.113.1', '198.51.100.7, 203.0.113.1', '::ffff:203.0.113.1']) {
      const { status, code, headers } = await refused(url, from(address));
      expect([status, code]).toEqual([429, 'rate_limited']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    await open('203.0.113.2');
    first?.ws.close();
    await first?.closed;
    await until(() => open('203.0.113.1').catch(() => undefined), 'room for another');
    expect(await refused(url, from('203.0.113.1'))).toMatchObject({ status: 429 });
  });

  it('to another path, or with another method, is answered as ever', async () => {
    const { service } = await startBoth();
    const url = socketUrl(service);
    expect(await refused(url.replace('/api/chat/ws', '/nowhere'))).toMatchObject({ status: 404 });
    expect(await refused(url.replace('/ws', ''))).toMatchObject({ status: 405 });
    const { status, code } = await callApi(service, 'POST', '/api/chat/ws');
    expect([status, code]).toEqual([405, 'method_not_allowed']);
  });

  it.each<[string, string[]]>([
    ['is none', []],
    ['is one for another protocol', ['Connection: Upgrade', 'Upgrade: h2c']],
    ['has no key', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']],
    [
      'has a broken key',
      ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x'],
    ],
    [
      'has another version',
      ['Upgrade: websocket', 'Sec-WebSocket-Version: 8', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
    ],
    [
      'names a subprotocol twice',
      [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol: a, a',
      ],
    ],
    [
      'has a body',
      [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Content-Length: 2',
      ],
    ],
  ])('that %s is refused with 400, as JSON', async (_, headers) => {
    const { service } = await startBoth();
    const connection = headers.some((line) => line.startsWith('Connection')) ? [] : ['Connection: close'];
    const lines = ['GET /api/chat/ws HTTP/1.1', 'Host: 127.0.0.1', ...connection, ...headers];
    const answer = await rawAnswer(
      service.url,
      ...lines.map((line) => line.replace(': Upgrade', ': Upgrade, close')),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/"code":"invalid_request"/);
    expect(answer).toMatch(/^x-request-id: /im);
  });

  it('for another protocol does not keep any other route from answering', async () => {
    const { service } = await startBoth();
    const upgrade = [
      'Connection: Upgrade, HTTP2-Settings, close',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    ];
    const answer = await rawAnswer(service.url, 'GET /healthz HTTP/1.1', 'Host: 127.0.0.1', ...upgrade);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
