import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startService } from '../helpers/service.ts';

const CITE = '\uE200cite\uE202turn0search0\uE201';

/** An upstream that answers each run with these events, and anything else with an id. */
const startUpstream = async (events: readonly object[]): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (!/\/(?:responses|completions)$/.test(request.url ?? '')) {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"id": "conv_1"}');
        return;
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/v1`;
};

const ask = async (backend: string, events: readonly object[]) => {
  const url = await startUpstream(events);
  const service = await startService({
    BACKEND: backend,
    OPENAI_BASE_URL: url,
    OPENAI_API_KEY: 'k',
    OPENAI_MODEL: 'm',
  });
  return (await service.post({ user_id: 'ann', message: 'Does it rain?' })).body;
};

describe('what the provider itself found', () => {
  it('is numbered in an answer by Responses, from the web and from named files', async () => {
    const delta = (text: string) => ({ type: 'response.output_text.delta', output_index: 0, delta: text });
    const annotation = (given: object) => ({
      type: 'response.output_text.annotation.added',
      output_index: 0,
      annotation: given,
    });
    const web = { type: 'url_citation', url: 'https://weather.example/today', title: 'Weather today' };
    const body = await ask('responses', [
      delta(`It rains${CITE}`),
      annotation(web),
      delta('. Take a coat【4:0†'),
      delta('source】'),
      annotation({ type: 'file_citation', file_id: 'file-1', filename: 'coats.pdf' }),
      delta(' and boots'),
      annotation(web),
      delta('.'),
      annotation({ type: 'file_citation', file_id: 'file-2' }),
      annotation({ type: 'url_citation', url: 'javascript:alert(1)', title: '' }),
      { type: 'response.completed', response: { status: 'completed', output: [] } },
    ]);
    expect(body).toMatchObject({
      answer: 'It rains[1]. Take a coat[2] and boots[1].',
      sources: [
        { n: 1, title: 'Weather today', url: 'https://weather.example/today' },
        { n: 2, title: 'coats.pdf' },
      ],
    });
  });

  it('is numbered in an answer by Chat Completions', async () => {
    const chunk = (delta: object, finish: string | null = null) => ({
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    const body = await ask('completions', [
      chunk({ content: 'It rains' }),
      chunk({
        annotations: [
          { type: 'url_citation', url_citation: { url: 'https://weather.example/', title: 'Weather' } },
        ],
      }),
      chunk({ content: '.' }, 'stop'),
    ]);
    expect(body.answer?.replaceAll(/\[1\]/g, '')).toBe('It rains.');
    expect(body).toMatchObject({ sources: [{ n: 1, title: 'Weather', url: 'https://weather.example/' }] });
  });
});
