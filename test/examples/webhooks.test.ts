import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SECRET = `whsec_${Buffer.from('a secret of at least twenty-four bytes').toString('base64')}`;

/** Starts an example, and gives the address that it prints. */
const start = async (command: string, file: string): Promise<string> => {
  const child = spawn(command, [path.join(ROOT, 'examples', file)], {
    env: { PATH: process.env.PATH, PORT: '0', ORDER_HOOK_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url) return url;
  }
  throw new Error(`${file} ended before it listened`);
};

const call = async (url: string, order: number, verified: boolean, secret = SECRET) => {
  const body = JSON.stringify({ name: 'order_status', arguments: { order }, user_id: '7', verified });
  const sentAt = new Date();
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'webhook-id': 'call-1',
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign('call-1', sentAt, body),
    },
    body,
  });
  return { status: response.status, text: await response.text() };
};

const PYTHON = spawnSync('python3', ['--version']).status === 0;

describe.each([
  ['webhook-node/server.js', process.execPath, true],
  ['webhook-python/server.py', 'python3', PYTHON],
])('examples/%s', (file, command, isInstalled) => {
  it.skipIf(!isInstalled)('answers signed calls of verified visitors, and no others', async () => {
    const url = await start(command, file);
    expect(await call(url, 4711, true)).toMatchObject({
      status: 200,
      text: expect.stringContaining('shipped yesterday'),
    });
    expect((await call(url, 4711, false)).text).toContain('sign in');
    const other = `whsec_${Buffer.from('another secret of twenty-four bytes').toString('base64')}`;
    expect((await call(url, 4711, true, other)).status).toBe(401);
  });
});
