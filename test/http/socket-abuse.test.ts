import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

const handshakeWith = (token: string): string =>
  [
    `GET /api/chat/ws?token=${token} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');

describe('a handshake', () => {
  it('whose client is gone, or cut off amid it, harms nobody', async () => {
    const { service } = await startBoth();
    const token = await tokenFor(service);
    const request = handshakeWith(token);
    for (let n = 0; n < 30; n++) {
      const socket = connect({ port: Number(new URL(service.url).port), host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.write(request);
      if (n % 3 === 0) socket.resetAndDestroy();
      else if (n % 3 === 1) socket.end();
      else socket.once('data', () => socket.resetAndDestroy());
      socket.on('error', () => undefined).resume();
      await once(socket, 'close');
    }
    const isOpenAgain = async () =>
      (await openSocket(service, { token }).catch(() => undefined)) !== undefined;
    await until(isOpenAgain, 'room for another');
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  it.each<[string, Buffer]>([
    ['no frames', Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(50))],
    ['a frame that is not masked', Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    ['a compressed frame', Buffer.from([0xc1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d])],
    ['an opcode that is reserved', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
    ['a piece of no frame', Buffer.from([0x80, 0x80, 0, 0, 0, 0])],
    ['a close with a code that there is not', Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0, 1])],
    ['text that is not UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])],
    [
      'a length that nobody has',
      Buffer.from([0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
    ],
    [
      'a frame in too many pieces',
      Buffer.from([[0x01, 0x80, 0, 0, 0, 0], ...Array(99).fill([0, 0x80, 0, 0, 0, 0])].flat()),
    ],
  ])('with %s after it is closed, and harms nobody', async (_, bytes) => {
    const { service } = await startBoth();
    const request = handshakeWith(await tokenFor(service));
    for (const before of ['', 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n']) {
      const socket = connect({ port: Number(new URL(service.url).port), host: '127.0.0.1' });
      // A client may be cut off while it still writes.
      socket.on('error', () => undefined).resume();
      socket.write(Buffer.concat([Buffer.from(before + request), bytes]));
      await once(socket, 'close');
    }
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect(service.lines.filter(({ level }) => ['error', 'fatal'].includes(level))).toEqual([]);
  });
});
