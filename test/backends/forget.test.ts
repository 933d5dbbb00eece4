import { describe, expect, it } from 'vitest';
import { createAdviser } from '../../src/backends/advice.ts';
import { type BackendSettings, createBackend } from '../../src/backends/create.ts';
import { createHttpClient } from '../../src/backends/http-client.ts';
import type { Backend } from '../../src/chat/backend-port.ts';
import type { UpstreamThread } from '../../src/chat/model.ts';
import { startEmulator } from '../helpers/service.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };

const backendAt = (url: string, kind: BackendSettings['kind'], more: Partial<BackendSettings> = {}) =>
  createBackend({
    kind,
    baseUrl: url,
    apiKey: 'a-key',
    model: 'gpt-6-luna',
    assistantId: kind === 'assistants' ? 'asst_test' : undefined,
    isOpenAI: false,
    definition: () => ({}),
    callTool: async () => '',
    maxAnswerTokens: 100,
    idleTimeout: 1_000,
    runTimeout: 5_000,
    safetyIdentifier: () => 'opaque',
    facts: { fact: async () => undefined, setFact: () => undefined },
    http: createHttpClient(),
    adviser: createAdviser({ kind, baseUrl: url, prefix: 'OPENAI_' }, logger),
    logger,
    ...more,
  });

/** The thread that a first message makes. */
const threadOf = async (backend: Backend): Promise<UpstreamThread> => {
  const run = backend.run({
    exchangeId: 'exchange-1',
    visitor: { kind: 'user', id: 'ann' },
    verified: false,
    message: 'Hello!',
    thread: undefined,
    history: async () => [],
    signal: new AbortController().signal,
    deadline: Date.now() + 5_000,
  });
  let made: UpstreamThread | undefined;
  for await (const event of run) if (event.type === 'thread') made = event.thread;
  if (!made) throw new Error('no thread was made');
  return made;
};

describe.each(['responses', 'assistants'] as const)('a thread at %s that is to be forgotten', (kind) => {
  it('is deleted at the upstream, also for another assistant than the one it was made for', async () => {
    const emulator = await startEmulator();
    const thread = await threadOf(backendAt(emulator.url, kind));
    expect(emulator.threads).toBe(1);
    await backendAt(emulator.url, kind, { definition: () => ({ model: 'another' }) }).forget?.(thread);
    expect(emulator.threads).toBe(0);
  });

  it('is gone where the upstream does not know it any more', async () => {
    const emulator = await startEmulator();
    const backend = backendAt(emulator.url, kind);
    const thread = await threadOf(backend);
    await backend.forget?.(thread);
    await expect(backend.forget?.(thread)).resolves.toBeUndefined();
  });

  it('is left alone where another server or account has it', async () => {
    const emulator = await startEmulator();
    const thread = await threadOf(backendAt(emulator.url, kind));
    await backendAt(emulator.url, kind, { apiKey: 'another-key' }).forget?.(thread);
    const other = kind === 'responses' ? 'assistants' : 'responses';
    await backendAt(emulator.url, other).forget?.(thread);
    expect(emulator.threads).toBe(1);
  });

  it('is said not to be deleted where the upstream fails, so that it can be tried again', async () => {
    const emulator = await startEmulator();
    const backend = backendAt(emulator.url, kind);
    const thread = await threadOf(backend);
    emulator.fail({
      on: kind === 'responses' ? 'conversations.delete' : 'threads.delete',
      fault: { kind: 'status', status: 500 },
    });
    await expect(backend.forget?.(thread)).rejects.toMatchObject({ code: 'upstream_failed' });
    await backend.forget?.(thread);
    expect(emulator.threads).toBe(0);
  });
});

it('Chat Completions has no threads to forget', async () => {
  const emulator = await startEmulator();
  expect(backendAt(emulator.url, 'completions').forget).toBeUndefined();
});
