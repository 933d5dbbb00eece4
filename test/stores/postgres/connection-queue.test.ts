import { expect, test } from 'vitest';
import { createConnectionQueue } from '../../../src/stores/postgres/connection-queue.ts';

const unavailable = { code: 'log_unavailable' };

test('a waiter whose time ran out takes no connection later', async () => {
  const queue = createConnectionQueue({ connections: 1, maxQueued: 5, queueMs: 30 });
  await queue.enter(false);
  await expect(queue.enter(false)).rejects.toMatchObject(unavailable);
  queue.leave(false);
  await queue.idle();
  await queue.enter(false);
  queue.leave(false);
  await queue.idle();
});

test('more than may wait are refused at once', async () => {
  const queue = createConnectionQueue({ connections: 1, maxQueued: 1, queueMs: 60_000 });
  await queue.enter(false);
  const waiting = queue.enter(false);
  await expect(queue.enter(false)).rejects.toMatchObject(unavailable);
  queue.leave(false);
  await waiting;
});

test('the patient use at most half of the connections, and wait as long as it takes', async () => {
  const queue = createConnectionQueue({ connections: 2, maxQueued: 5, queueMs: 20 });
  await queue.enter(true);
  let isIn = false;
  const second = queue.enter(true).then(() => {
    isIn = true;
  });
  await queue.enter(false);
  await expect(queue.enter(false)).rejects.toMatchObject(unavailable);
  queue.leave(false);
  expect(isIn).toBe(false);
  queue.leave(true);
  await second;
});
