import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startBoth, temporaryFolder } from '../helpers/service.ts';
import { tokenFor } from '../helpers/sockets.ts';

interface Handlers {
  onDelta(text: string): void;
  onDone(answer: string): void;
  onError(message: string): void;
}
type OpenChat = (url: string, getToken: () => Promise<string>) => (message: string, on: Handlers) => void;
const exported = z.object({ openChat: z.custom<OpenChat>((value) => typeof value === 'function') });

/** The snippet of docs/api.md, as a page would have it. */
const snippet = async (): Promise<OpenChat> => {
  const docs = readFileSync(path.resolve(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const code = /```js\n(function openChat[\s\S]*?)```/.exec(docs)?.[1];
  const file = path.join(await temporaryFolder(), 'snippet.mjs');
  await writeFile(file, `${code}\nexport { openChat };`);
  return exported.parse(await import(/* @vite-ignore */ file)).openChat;
};

/** A line to the service that can be cut, as networks do. */
const cuttableLine = async (to: string) => {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(new URL(to).port), '127.0.0.1');
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => into.destroy());
      from.pipe(into);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `ws://127.0.0.1:${address.port}/api/chat/ws`, cut };
};

it('the snippet of docs/api.md goes on where it was cut off, and says nothing twice', async () => {
  const { service, emulator } = await startBoth({
    emulator: { pace: 5, answer: () => 'one two three four five six' },
  });
  const token = await tokenFor(service);
  const line = await cuttableLine(service.url);
  const openChat = await snippet();
  const say = openChat(line.url, async () => token);
  const ask = (message: string, cutAt: number) =>
    new Promise<{ text: string; answer: string }>((resolve, reject) => {
      let text = '';
      let deltas = 0;
      say(message, {
        onDelta: (piece) => {
          text += piece;
          deltas += 1;
          if (deltas === cutAt) line.cut();
        },
        onDone: (answer) => resolve({ text, answer }),
        onError: (why) => reject(new Error(why)),
      });
    });
  for (const cutAt of [1, 3, 0]) {
    const { text, answer } = await ask(`Cut after ${cutAt}.`, cutAt);
    expect(answer).toBe('one two three four five six');
    expect(text).toBe(answer);
  }
  // Two at once, over a line that is gone when they are said.
  line.cut();
  const answers = await Promise.all([ask('Four.', 2), ask('Five.', 0)]);
  expect(answers.map(({ text }) => text)).toEqual(answers.map(({ answer }) => answer));
  expect(emulator.calls.responses).toBe(5);
});
