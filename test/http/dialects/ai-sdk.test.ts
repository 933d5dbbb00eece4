import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { until } from '../../helpers/events.ts';
import { startBoth } from '../../helpers/service.ts';
import { dataOf, newSession, postJson, textReader } from './published.ts';

const PATH = '/api/chat/ai-sdk';
const userMessage = (text: string, id = newSession()) => ({
  id,
  role: 'user',
  parts: [{ type: 'text', text }],
});
const body = (id: string, text: string, more: object = {}) => ({
  id,
  trigger: 'submit-message',
  messages: [userMessage(text)],
  ...more,
});
const chunk = z.looseObject({ type: z.string(), delta: z.string().optional() });
const chunks = async (response: Response) => {
  const all = await dataOf(response);
  expect(all.at(-1)).toBe('[DONE]');
  return z.array(chunk).parse(all.slice(0, -1));
};
const textIn = (all: z.output<typeof chunk>[]): string => all.map(({ delta = '' }) => delta).join('');

describe('useChat of the AI SDK', () => {
  it('reads the UI message stream, in one conversation per chat', async () => {
    const { service } = await startBoth();
    const chat = newSession();
    const first = await postJson(service, PATH, body(chat, 'My name is Ann.'));
    expect(first.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
    const types = (await chunks(first)).map(({ type }) => type);
    expect([...new Set(types)]).toEqual([
      'start',
      'start-step',
      'text-start',
      'text-delta',
      'text-end',
      'finish-step',
      'finish',
    ]);
    const second = await chunks(await postJson(service, PATH, body(chat, 'What did I say first?')));
    expect(textIn(second)).toContain('My name is Ann.');
  });

  it('answers a message that was sent twice once, and runs again for one that is to be regenerated', async () => {
    const { service } = await startBoth();
    const chat = newSession();
    const request = body(chat, 'Hello!');
    const texts = [];
    for (let turn = 0; turn < 2; turn += 1) {
      texts.push(textIn(await chunks(await postJson(service, PATH, request))));
    }
    expect(texts[1]).toBe(texts[0]);
    await chunks(await postJson(service, PATH, { ...request, trigger: 'regenerate-message' }));
    expect((await service.finalLog())[chat]).toHaveLength(2);
  });

  it('resumes an answer that is being given, and stops it', async () => {
    const { service } = await startBoth({ emulator: { pace: 50 } });
    const chat = newSession();
    const stream = `${service.url}${PATH}/${chat}/stream`;
    expect((await fetch(stream)).status).toBe(204);
    const left = new AbortController();
    await fetch(service.url + PATH, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body(chat, 'Tell me all!')),
      signal: left.signal,
    });
    left.abort();
    const resumed = await fetch(stream);
    const reader = textReader(resumed);
    await reader.until((text) => text.includes('text-delta'));
    expect((await fetch(stream, { method: 'DELETE' })).status).toBe(204);
    expect(await reader.until((text) => text.includes('[DONE]'))).toContain('"finishReason":"length"');
    await until(async () => (await fetch(stream)).status === 204, 'the end of the turn');
  });

  it('shows failures as sentences: before the answer, and in it', async () => {
    const { service, emulator } = await startBoth({ env: { RATE_LIMIT: '2/1m' } });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
    const failed = await chunks(await postJson(service, PATH, body(newSession(), 'Hello!')));
    expect(failed.at(-1)).toMatchObject({ type: 'error', errorText: expect.any(String) });
    const unclear = await postJson(service, PATH, { id: newSession(), messages: [] });
    expect([unclear.status, await unclear.text()]).toEqual([
      400,
      'This message cannot be sent. It may be empty or too long.',
    ]);
    const limited = await postJson(service, PATH, body(newSession(), 'Hello!'));
    expect([limited.status, await limited.text()]).toEqual([429, expect.stringMatching(/^[A-Z][^{]+$/)]);
  });

  it('is told that files cannot be sent', async () => {
    const { service } = await startBoth();
    const parts = [{ type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,' }];
    const request = { id: newSession(), messages: [{ id: '1', role: 'user', parts }] };
    expect(await (await postJson(service, PATH, request)).text()).toContain('Files cannot be sent');
  });
});
