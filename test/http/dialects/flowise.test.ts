import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startBoth } from '../../helpers/service.ts';
import { dataOf, jsonOf, newSession, postJson, SSE, textReader } from './published.ts';

const PREDICTION = '/api/v1/prediction/support-bot';
const answered = z.looseObject({ text: z.string(), chatId: z.string(), chatMessageId: z.string() });
const frame = z.object({ event: z.string(), data: z.unknown() });
const frames = async (response: Response) => z.array(frame).parse(await dataOf(response));
const put = (service: { url: string }, path: string, body?: object) =>
  fetch(service.url + path, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

describe('flowise-embed', () => {
  it('asks what it may do: answers are streamed, uploads and lead capture are off', async () => {
    const { service } = await startBoth();
    const get = async (path: string) => jsonOf(await fetch(service.url + path));
    expect(await get('/api/v1/chatflows-streaming/support-bot')).toEqual({ isStreaming: true });
    expect(await get('/api/v1/public-chatbotConfig/support-bot')).toMatchObject({
      chatFeedback: { status: true },
      leads: { status: false },
      uploads: { isImageUploadAllowed: false, isRAGFileUploadAllowed: false },
    });
  });

  it('asks questions in one conversation per chatId', async () => {
    const { service } = await startBoth();
    const chatId = newSession();
    const ask = async (question: string) =>
      answered.parse(await (await postJson(service, PREDICTION, { question, chatId })).json());
    const first = await ask('My name is Ann.');
    expect(first.chatId).toBe(chatId);
    expect((await ask('What did I say first?')).text).toContain('My name is Ann.');
  });

  it('reads a stream of start, token, metadata and end', async () => {
    const { service } = await startBoth();
    const body = { question: 'Hello!', chatId: newSession(), streaming: true };
    const all = await frames(await postJson(service, PREDICTION, body, SSE));
    expect(all.at(0)?.event).toBe('start');
    expect(all.at(-1)).toEqual({ event: 'end', data: '[DONE]' });
    const text = all.filter(({ event }) => event === 'token').map(({ data }) => data);
    expect(text.join('')).toContain('Hello!');
    expect(all.find(({ event }) => event === 'metadata')?.data).toMatchObject({
      chatId: body.chatId,
      chatMessageId: expect.any(String),
    });
  });

  it('shows failures of every status', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_MESSAGE_CHARS: '10' } });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
    const failed = await postJson(service, PREDICTION, { question: 'Hello!' });
    expect([failed.status, await jsonOf(failed)]).toMatchObject([502, { error: expect.any(String) }]);
    // Its window shows nothing of a refused stream, but for three statuses.
    const refused = await postJson(service, PREDICTION, { question: 'Far too long!' }, SSE);
    expect([refused.status, await frames(refused)]).toMatchObject([200, [{ event: 'error' }]]);
  });

  it('shows the sentence of a limit', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1m' } });
    await postJson(service, PREDICTION, { question: 'One' });
    const limited = await postJson(service, PREDICTION, { question: 'Two' }, SSE);
    expect(limited.status).toBe(429);
    expect(await limited.text()).toMatch(/^[A-Z][^{]+$/);
  });

  it('stops an answer', async () => {
    const { service } = await startBoth({ emulator: { pace: 50 } });
    const chatId = newSession();
    const response = await postJson(service, PREDICTION, { question: 'Tell me all!', chatId }, SSE);
    const reader = textReader(response);
    await reader.until((text) => text.includes('"token"'));
    expect((await put(service, `/api/v1/chatmessage/abort/support-bot/${chatId}`)).status).toBe(200);
    await reader.until((text) => text.includes('"end"'));
    expect((await service.finalLog())[chatId]).toMatchObject([{ truncated: true }]);
  });

  it('rates an answer and comments on it', async () => {
    const { service } = await startBoth();
    const chatId = newSession();
    const { chatMessageId: messageId } = answered.parse(
      await (await postJson(service, PREDICTION, { question: 'Hello!', chatId })).json(),
    );
    const rate = (id: string) =>
      postJson(service, '/api/v1/feedback/support-bot', { chatId, messageId: id, rating: 'THUMBS_DOWN' });
    expect((await rate(newSession())).status).toBe(404);
    const rated = await rate(messageId);
    const { id } = z.object({ id: z.string() }).parse(await rated.json());
    expect((await put(service, `/api/v1/feedback/${id}`, { content: 'Not true.' })).status).toBe(200);
    expect((await service.finalLog())[chatId]).toMatchObject([
      { feedback: { rating: 'down', comment: 'Not true.' } },
    ]);
  });

  it('is told that files cannot be sent', async () => {
    const { service } = await startBoth();
    const body = { question: 'Look!', uploads: [{ data: 'data:image/png;base64,', name: 'x.png' }] };
    expect((await jsonOf(await postJson(service, PREDICTION, body))).error).toContain('Files cannot be sent');
  });
});
