import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { keepPeer, peerOf } from '../../src/http/edge.ts';

it('a connection that was reset still has the address of its peer, so that all of these share no limit', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  /** The address of a connection that its peer has reset. */
  const peerAfterReset = async (onOpened: (socket: Socket) => void) => {
    const opened = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const client = connect(port, '127.0.0.1');
    const socket = await opened;
    onOpened(socket);
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined).resume();
    client.resetAndDestroy();
    await gone;
    return peerOf(socket);
  };
  expect(await peerAfterReset(keepPeer)).toBe('127.0.0.1');
  expect(await peerAfterReset(() => undefined)).toBeUndefined();
});
