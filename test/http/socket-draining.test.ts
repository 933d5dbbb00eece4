import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { listen } from '../../src/http/server.ts';
import { jsonFrames } from '../../src/http/socket/json-frames.ts';
import { createSockets } from '../../src/http/socket/sockets.ts';
import { createSessionTokens } from '../../src/identity/session-tokens.ts';

const clock = { now: () => Date.now() };
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const noLimit = { byAddress: async () => {}, byVisitor: async () => {}, count: async () => {} };
const none = async (): Promise<never> => {
  throw new Error('no message is expected');
};

it('a socket whose token is still looked at when a stop begins is opened, and closed with 1001', async () => {
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  const tokens = createSessionTokens({
    ...{ secrets: ['a-secret-of-at-least-thirty-two-characters'], ttl: 60_000, max: 60_000, grace: 0, clock },
    ended: {
      endToken: async () => true,
      hasEnded: async () => {
        asked();
        await mayAnswer;
        return false;
      },
    },
  });
  const sockets = createSockets({
    chat: {
      send: none,
      clear: none,
      alone: none,
      turn: none,
      stop: none,
      settleInterrupted: none,
      drain: none,
      isDraining: () => true,
      liveTurns: () => 0,
    },
    identity: {
      tokens,
      mode: 'open',
      isSiteKey: () => false,
      verifiedUsers: { markVerified: none, isVerified: none },
      temporaryKeys: { issue: none, isGood: none },
    },
    limits: { post: noLimit, read: noLimit, visitor: noLimit, opsToken: { check: none } },
    edge: { allowedOrigins: 'any', publicOrigin: undefined, trustProxy: 0, isTrustedProxy: () => true },
    messages: { maxChars: 100, heartbeatMs: 600_000 },
    clock,
    logger,
    onOpened: () => undefined,
    protocols: { '/ws': jsonFrames({ maxChars: 100 }) },
  });
  const server = createServer({ shouldUpgradeCallback: sockets.accepts });
  server.on('upgrade', sockets.upgrade);
  onTestFinished(() => void server.close());
  const url = await listen(server, '127.0.0.1', 0);
  const { token } = await tokens.issue();
  const ws = new WebSocket(`${url.replace('http', 'ws')}/ws?token=${token}`);
  await isAsked;
  sockets.drain();
  answer();
  const [code, reason] = await once(ws, 'close');
  expect([code, String(reason)]).toEqual([1001, 'shutting_down']);
});
