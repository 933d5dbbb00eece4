import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';
import { dataOf, jsonOf, newSession, postJson, SSE } from '../http/dialects/published.ts';
import { SHIPPING, startWith } from './documents-service.ts';

const QUESTION = 'How much is a parcel to Austria, and how are lamps cleaned?';
const ANSWER = 'It costs 4.90 euros [1]. Wipe it [2]. Nothing else.';
const SOURCES = [
  { n: 1, title: 'Shipping', url: 'https://shop.example/shipping' },
  { n: 2, title: 'Care', place: 'Lamps' },
];
/** Cites both passages in the order of the question, and one that is not there. */
const cites = ({ instructions = '' }: { instructions?: string | undefined }): string => {
  const numberOf = (title: string): string =>
    new RegExp(`<passage n="(\\d+)" title="${title}"`).exec(instructions)?.[1] ?? '?';
  return `It costs 4.90 euros [${numberOf('Shipping')}]. Wipe it [${numberOf('Care')}]. Nothing else [9].`;
};
const start = () =>
  startWith(
    {
      'shipping.md': SHIPPING,
      'care.md': `# Care\n\n${'Tables want oil. '.repeat(60)}\n\n## Lamps\n\n${'Lamps are cleaned with a cloth. '.repeat(40)}`,
    },
    { emulator: { answer: cites }, env: { SITE_KEYS: SITE_KEY } },
  );

describe('what an answer quotes is told', () => {
  it('in JSON, in the history and in the log', async () => {
    const { service } = await start();
    const token = await tokenFor(service, 'ann');
    const { body } = await service.post({ message: QUESTION }, { Authorization: `Bearer ${token}` });
    expect(body).toMatchObject({ answer: ANSWER, sources: SOURCES });
    const history = await callApi(service, 'GET', '/api/history', { bearer: token });
    expect(history.body.history).toMatchObject([{ bot: ANSWER, sources: SOURCES }]);
    expect((await service.finalLog()).ann).toMatchObject([{ bot: ANSWER, sources: SOURCES }]);
  });

  it('at the end over a WebSocket, whose text has no marker that names nothing', async () => {
    const { service } = await start();
    const socket = await openSocket(service, { token: await tokenFor(service) });
    socket.send({ type: 'message', id: 'm1', message: QUESTION });
    const frames = await socket.until();
    expect(frames.at(-1)).toMatchObject({ type: 'done', answer: ANSWER, sources: SOURCES });
    const deltas = frames.filter(({ type }) => type === 'delta').map(({ text }) => text);
    expect(deltas.join('')).toBe(ANSWER);
  });

  it('as sourceDocuments to flowise-embed, streamed or not, and in its history', async () => {
    const { service } = await start();
    const path = '/api/v1/prediction/support-bot';
    const sourceDocuments = [
      { pageContent: 'Shipping', metadata: { source: 'https://shop.example/shipping', title: 'Shipping' } },
      { pageContent: 'Care', metadata: { source: 'Care', title: 'Care', place: 'Lamps' } },
    ];
    const whole = await jsonOf(await postJson(service, path, { question: QUESTION, chatId: newSession() }));
    expect(whole).toMatchObject({ text: ANSWER, sourceDocuments });
    const streamed = await dataOf(
      await postJson(service, path, { question: QUESTION, chatId: newSession(), streaming: true }, SSE),
    );
    expect(streamed).toContainEqual({ event: 'sourceDocuments', data: sourceDocuments });
  });

  it('as sources to useChat of the AI SDK', async () => {
    const { service } = await start();
    const body = {
      id: newSession(),
      trigger: 'submit-message',
      messages: [{ id: newSession(), role: 'user', parts: [{ type: 'text', text: QUESTION }] }],
    };
    const chunks = z
      .array(z.looseObject({ type: z.string() }))
      .parse((await dataOf(await postJson(service, '/api/chat/ai-sdk', body))).slice(0, -1));
    expect(chunks.filter(({ type }) => type.startsWith('source'))).toEqual([
      { type: 'source-url', sourceId: '1', title: 'Shipping', url: 'https://shop.example/shipping' },
      { type: 'source-document', sourceId: '2', title: 'Care', mediaType: 'text/plain' },
    ]);
  });
});
