import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { startService, upstreamEnv } from '../helpers/service.ts';

/**
 * A running llama-server, such as `llama-server -m model.gguf -c 1024 --port 8080`: its URL ends in /v1. No package
 * brings one, so that this is skipped where none is named.
 */
const url = process.env.LLAMA_SERVER_URL ?? '';
const title = url === '' ? 'skipped: LLAMA_SERVER_URL names no running llama-server' : url;

describe.skipIf(url === '')(`a real llama.cpp server (${title})`, () => {
  const start = (env: Record<string, string> = {}) =>
    startService({
      ...upstreamEnv({ url }, 'completions'),
      RUN_TIMEOUT: '5m',
      MAX_ANSWER_TOKENS: '64',
      ...env,
    });

  it('answers, and is told of how its run went', { timeout: 360_000 }, async () => {
    const service = await start();
    const { status, body } = await service.post({ user_id: 'ann', message: 'Say hello.' });
    expect([status, body.answer]).toEqual([200, expect.stringMatching(/\S/)]);
    expect((await service.finalLog()).ann).toMatchObject([
      { usage: { input: expect.any(Number), output: expect.any(Number) }, run: { backend: 'completions' } },
    ]);
  });

  it('answers a visitor whose history is longer than its context', { timeout: 900_000 }, async () => {
    const service = await start();
    // Each message is a few hundred tokens: with a context of 1,024 the third or fourth does not fit any more.
    const message = 'Please remember this sentence about apples and pears. '.repeat(30).trim();
    for (let n = 0; n < 8; n += 1) {
      expect([n, (await service.post({ user_id: 'ann', message: `${n} ${message}` })).status]).toEqual([
        n,
        200,
      ]);
    }
  });
});
