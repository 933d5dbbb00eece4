import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { OpenAI } from 'openai';
import { expect, onTestFinished, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../emulator/main.ts', import.meta.url));

const run = (environment: Record<string, string>): ChildProcess => {
  const child = spawn(process.execPath, [MAIN], { env: { ...process.env, ...environment } });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
};

test.for(['SIGTERM', 'SIGINT'] as const)(
  'alone it says where it listens, answers, and ends on %s',
  async (signal) => {
    const child = run({ EMULATOR_PORT: '0', EMULATOR_PACE: '0', EMULATOR_WORDS: '45' });
    if (child.stdout === null) throw new Error('no stdout');
    const [line] = await once(createInterface(child.stdout), 'line');
    const url = /^emulator listening on (http:\/\/127\.0\.0\.1:\d+\/v1)$/.exec(String(line))?.[1];
    if (url === undefined) throw new Error(`unexpected: ${line}`);
    const openai = new OpenAI({ apiKey: 'any', baseURL: url });
    const { output_text: answer } = await openai.responses.create({ model: 'm', input: 'Hello' });
    expect(answer.split(' ')).toHaveLength(45);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
);

test('a bad setting stops it with a word about it', async () => {
  const child = run({ EMULATOR_PORT: 'x' });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(said).toContain('EMULATOR_PORT');
});
