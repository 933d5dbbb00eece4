import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { exchangeRaw } from '../../helpers/raw-http.ts';
import { startBoth } from '../../helpers/service.ts';
import { jsonOf, newSession, postJson, textReader } from './published.ts';

const PATH = '/api/chat/n8n';
const send = (sessionId: string, chatInput: string) => ({ action: 'sendMessage', sessionId, chatInput });
const LINES = { Accept: 'text/plain' };
const lines = async (response: Response) =>
  (await response.text())
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) =>
      z.looseObject({ type: z.string(), content: z.string().optional() }).parse(JSON.parse(line)),
    );

const previous = z.object({
  data: z.array(z.object({ id: z.array(z.string()), kwargs: z.object({ content: z.string() }) })),
});

describe('@n8n/chat', () => {
  it('sends messages, and loads its previous session', async () => {
    const { service } = await startBoth();
    const sessionId = newSession();
    const first = await jsonOf(await postJson(service, PATH, send(sessionId, 'My name is Ann.')));
    expect(first).toEqual({ output: expect.stringContaining('My name is Ann.') });
    const second = await jsonOf(await postJson(service, PATH, send(sessionId, 'What did I say first?')));
    expect(second.output).toContain('My name is Ann.');

    const loaded = await postJson(service, PATH, { action: 'loadPreviousSession', sessionId });
    const { data } = previous.parse(await loaded.json());
    // The window asks whether the list holds "HumanMessage".
    const said = data.map(({ id, kwargs }) => [id.includes('HumanMessage'), kwargs.content]);
    expect(said).toMatchObject([
      [true, 'My name is Ann.'],
      [false, first.output],
      [true, 'What did I say first?'],
      [false, second.output],
    ]);
  });

  it('opens no transcript to a session id that can be guessed, or to one that is signed for', async () => {
    const { service } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
    await postJson(service, PATH, send('anna', 'A secret'));
    const load = { action: 'loadPreviousSession', sessionId: 'anna' };
    expect(await jsonOf(await postJson(service, PATH, load))).toEqual({ data: [] });
    await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json: { user_id: 'anna' } });
    const refused = await postJson(service, PATH, load);
    expect([refused.status, await jsonOf(refused)]).toMatchObject([401, { code: 'session_required' }]);
  });

  it('streams line by line where it asks so', async () => {
    const { service } = await startBoth();
    const response = await postJson(service, PATH, send(newSession(), 'Hello!'), LINES);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const all = await lines(response);
    expect([all.at(0)?.type, all.at(-1)?.type]).toEqual(['begin', 'end']);
    expect(all.map(({ content = '' }) => content).join('')).toContain('Hello!');
  });

  it('keeps a quiet stream alive with lines that its reader passes over', async () => {
    const { service, emulator } = await startBoth({ heartbeatMs: 20 });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const response = await postJson(service, PATH, send(newSession(), 'Hello!'), LINES);
    const reader = textReader(response);
    const read = await reader.until((text) => text.endsWith('\n\n\n'));
    expect(read.trim().split('\n')).toHaveLength(1);
    await reader.leave();
  });

  it('shows failures: as output, and in a stream as a line of its own', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1m' } });
    const sessionId = newSession();
    await postJson(service, PATH, send(sessionId, 'One'));
    const refused = await postJson(service, PATH, send(sessionId, 'Two'));
    expect([refused.status, await jsonOf(refused)]).toEqual([
      429,
      { output: expect.any(String), code: 'rate_limited' },
    ]);
    // Its window shows nothing of a stream with another status.
    const stream = await postJson(service, PATH, send(sessionId, 'Three'), LINES);
    expect([stream.status, await lines(stream)]).toMatchObject([200, [{ type: 'error' }]]);
  });

  it('may use other names for its fields', async () => {
    const { service } = await startBoth();
    const body = { action: 'sendMessage', sid: newSession(), question: 'Hello!' };
    const answer = await postJson(service, `${PATH}?input=question&session=sid`, body);
    expect((await jsonOf(answer)).output).toContain('Hello!');
  });

  it('may ask by GET, but not for an image of another site', async () => {
    const { service } = await startBoth();
    const query = new URLSearchParams({ ...send(newSession(), 'Hello!'), metadata: '[object Object]' });
    const url = `${service.url}${PATH}?${query}`;
    expect((await jsonOf(await fetch(url))).output).toContain('Hello!');
    for (const dest of ['image', 'video', 'embed', 'object', 'iframe'])
      expect([dest, (await fetch(url, { headers: { 'Sec-Fetch-Dest': dest } })).status]).toEqual([dest, 403]);
    const link = `GET ${PATH}?${query} HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate`;
    const bytes = Buffer.from(`${link}\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n`);
    expect((await exchangeRaw(service.url, { bytes }))[0]?.status).toBe(403);
  });

  it('is told in a sentence that files cannot be sent', async () => {
    const { service } = await startBoth();
    const form = new FormData();
    form.append('chatInput', 'Look!');
    form.append('files', new Blob(['x']), 'x.png');
    const refused = await fetch(service.url + PATH, { method: 'POST', body: form });
    expect((await jsonOf(refused)).output).toContain('Files cannot be sent');
  });
});
