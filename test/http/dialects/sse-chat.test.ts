import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { exchangeRaw } from '../../helpers/raw-http.ts';
import { startBoth, startService } from '../../helpers/service.ts';
import { begin, codeOf, env, historyOf, OPS_TOKEN, put, read, textIn } from './sse-client.ts';

describe('a client of the SSE chat', () => {
  it('makes the calls of its documentation', async () => {
    const { service } = await startBoth({
      env,
      emulator: { answer: ({ message }) => `Hello, re: ${message}` },
    });
    const { session_id, username } = await begin(service, 'TR');
    expect(username).toBe('TR');
    const answer = await put(service, session_id, { payload: 'Hello! What is your name?' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    const events = await read(answer);
    expect(textIn(events)).toBe('Hello, re: Hello! What is your name?');
    expect(events.map(({ event }) => event)).toEqual([...events.slice(1).map(() => undefined), 'done']);
    expect(await historyOf(service, session_id)).toEqual([
      ['user', 'Hello! What is your name?'],
      ['assistant', 'Hello, re: Hello! What is your name?'],
    ]);
  });

  it('reads every line of an answer, and the spaces in front of it', async () => {
    const text = '# One\n\n  - two\r\n  - three\n\n```\nfour: five\n```\n';
    const { service } = await startBoth({ env, emulator: { answer: () => text } });
    const { session_id } = await begin(service, 'TR');
    const events = await read(await put(service, session_id, { payload: 'Hi' }));
    expect(textIn(events)).toBe(text.replaceAll('\r\n', '\n'));
  });

  it('is told of a failure at the end of the stream, and finds its prompt in the dialogue', async () => {
    const { service, emulator } = await startBoth({ env });
    const { session_id } = await begin(service, 'TR');
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
    const events = await read(await put(service, session_id, { payload: 'Hi' }));
    expect(events.map(({ event }) => event)).toEqual(['error']);
    expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({ error: { code: 'upstream_unauthorized' } });
    expect(await historyOf(service, session_id)).toEqual([['user', 'Hi']]);
  });

  it('may read an answer on at our own route', async () => {
    const { service } = await startBoth({ env });
    const { session_id } = await begin(service, 'TR');
    const [first] = await read(await put(service, session_id, { payload: 'Hi' }));
    const [id = '', n] = first?.id?.split(':') ?? [];
    expect(n).toBe('1');
    const again = await callApi(service, 'GET', `/api/chat/${id}/events`, { bearer: session_id });
    expect(again.status).toBe(200);
  });

  it('is served where only tokens name visitors, and may be a verified one', async () => {
    const { service } = await startBoth({ env: { ...env, IDENTITY: 'signed' } });
    const { session_id } = await begin(service, 'TR');
    expect((await read(await put(service, session_id, { payload: 'Hi' }))).at(-1)?.event).toBe('done');
    const { body } = await callApi(service, 'POST', '/api/session', {
      bearer: SITE_KEY,
      json: { user_id: 'TR' },
    });
    const verified = String(body.session_token);
    expect(await historyOf(service, verified)).toEqual([]);
    await (await put(service, verified, { payload: 'My secret.' })).text();
    const log = await service.finalLog();
    expect([log.TR?.length, log.anonymous?.length]).toEqual([1, 1]);
    expect(log.anonymous?.[0]).toMatchObject({ name: 'TR' });
  });

  it('begins no session for what a page of another site loads as an image or in a frame', async () => {
    const service = await startService({ ...env, ALLOWED_ORIGINS: '*' });
    const outcome = async (site: string, mode: string, dest = 'empty') => {
      // By hand: fetch writes headers of these names itself.
      const head = `GET /?username=TR HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: ${site}\r\nSec-Fetch-Mode: ${mode}\r\nSec-Fetch-Dest: ${dest}`;
      const bytes = Buffer.from(`${head}\r\nConnection: close\r\n\r\n`);
      return (await exchangeRaw(service.url, { bytes }))[0]?.status;
    };
    expect(await outcome('cross-site', 'no-cors')).toBe(403);
    expect(await outcome('cross-site', 'navigate')).toBe(403);
    expect(await outcome('same-site', 'no-cors')).toBe(403);
    // <img crossorigin>, <script type=module> and the like.
    for (const dest of ['image', 'script', 'style', 'video', 'track', 'font', 'manifest', 'iframe'])
      expect([dest, await outcome('cross-site', 'cors', dest)]).toEqual([dest, 403]);
    expect(await outcome('same-origin', 'no-cors', 'image')).toBe(403);
    expect(await outcome('none', 'navigate', 'document')).toBe(200);
    expect(await outcome('cross-site', 'cors')).toBe(200);
    expect(await outcome('same-origin', 'no-cors')).toBe(200);
    expect(await outcome('none', 'navigate')).toBe(200);
  });

  it('begins no session without a username', async () => {
    const service = await startService({ ...env, DEMO_PAGE: 'off' });
    expect(await codeOf(await fetch(service.url))).toBe('404 not_found');
    for (const username of ['', '%20', 'x'.repeat(129), '%00']) {
      const response = await fetch(`${service.url}?username=${username}`);
      const { error } = z
        .object({ error: z.object({ code: z.string(), detail: z.string().optional() }) })
        .parse(await response.json());
      expect([response.status, error.code]).toEqual([400, 'invalid_request']);
      expect(error.detail).toMatch(/^username /);
    }
  });

  it('is told what is wrong, before anything is spent', async () => {
    const { service, emulator } = await startBoth({ env });
    const { session_id } = await begin(service, 'TR');
    expect(await codeOf(await put(service, session_id, {}))).toBe('400 invalid_request');
    expect(await codeOf(await put(service, session_id, '{'))).toBe('400 invalid_json');
    expect(await codeOf(await put(service, session_id, { payload: 'x'.repeat(70_000) }))).toBe(
      '413 body_too_large',
    );
    expect(await codeOf(await put(service, 'nobody', { payload: 'Hi' }))).toBe('401 session_invalid');
    expect(await codeOf(await fetch(`${service.url}/chat_history/nobody`))).toBe('401 session_invalid');
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect(await codeOf(await put(service, session_id, { payload: 'Hi' }, form))).toBe(
      '415 unsupported_media_type',
    );
    await callApi(service, 'DELETE', '/api/session', { bearer: session_id });
    expect(await codeOf(await put(service, session_id, { payload: 'Hi' }))).toBe('401 session_expired');
    expect(await codeOf(await fetch(`${service.url}/chat_history/${session_id}`))).toBe(
      '401 session_expired',
    );
    expect(emulator.calls.responses).toBe(0);
  });

  it('opens the dialogue of its own session alone', async () => {
    const { service } = await startBoth({ env });
    const [one, two] = [await begin(service, 'TR'), await begin(service, 'TR')];
    await (await put(service, one.session_id, { payload: 'My secret.' })).text();
    expect(await historyOf(service, two.session_id)).toEqual([]);
    expect(await historyOf(service, one.session_id)).toHaveLength(2);
  });

  it('is listed for ops by its name', async () => {
    const { service } = await startBoth({ env });
    const names = ['TR', 'TR', 'tr'];
    for (const name of names)
      await (await put(service, (await begin(service, name)).session_id, { payload: 'Hi' })).text();
    const list = (query: string) => callApi(service, 'GET', `/sessions${query}`, { bearer: OPS_TOKEN });
    const { status, body } = await list('?username=TR');
    const { sessions } = z
      .object({
        sessions: z.array(
          z.object({
            kind: z.literal('anonymous'),
            session_id: z.uuid(),
            name: z.literal('TR'),
            messages: z.literal(1),
            last_seen: z.number(),
          }),
        ),
      })
      .parse(body);
    expect([status, sessions.length]).toEqual([200, 2]);
    expect((await list('?username=nobody')).body).toEqual({ sessions: [] });
    expect((await list('')).status).toBe(400);
    const first = await list('?username=TR&limit=1');
    const { after } = z.object({ after: z.string() }).parse(first.body);
    const rest = await list(`?username=TR&limit=1&after=${encodeURIComponent(after)}`);
    expect([rest.body, first.body]).toMatchObject([
      { sessions: [{ name: 'TR' }] },
      { sessions: [{ name: 'TR' }] },
    ]);
  });

  it('has its token in no line of the log', async () => {
    const { service } = await startBoth({ env });
    const { session_id } = await begin(service, 'TR');
    await (await put(service, session_id, { payload: 'Hi' })).text();
    await historyOf(service, session_id);
    for (const path of [
      `/chat_history/${session_id}/`,
      `//chat/${session_id}`,
      `/x/${session_id.slice(0, 80)}`,
    ])
      await (await fetch(service.url + path)).text();
    await service.stop();
    const text = JSON.stringify(service.lines);
    for (const part of session_id.split('.')) expect(text).not.toContain(part.slice(0, 70));
    expect(service.lines.map(({ path }) => path)).toContain('/chat_history/…');
  });

  it('is counted with the messages', async () => {
    const { service } = await startBoth({ env: { ...env, RATE_LIMIT: '2/1h' } });
    await (await fetch(service.url)).text();
    const { session_id } = await begin(service, 'TR');
    const answer = await put(service, session_id, { payload: 'Hi' });
    expect(answer.headers.get('ratelimit')).toMatch(/remaining=0/);
    await answer.text();
    expect(await codeOf(await put(service, session_id, { payload: 'Hi' }))).toBe('429 rate_limited');
    expect(await codeOf(await fetch(`${service.url}?username=TR`))).toBe('429 rate_limited');
    expect(await historyOf(service, session_id)).toHaveLength(2);
    // Beside a site key by its visitor, which has a bucket of its own.
    const statuses = [];
    for (let n = 0; n < 3; n++) {
      const headers = { Authorization: `Bearer ${SITE_KEY}` };
      const bySite = await put(service, session_id, { payload: 'Hi' }, headers);
      await bySite.text();
      const read = await fetch(`${service.url}/chat_history/${session_id}`, { headers });
      await read.text();
      statuses.push([bySite.status, read.status]);
    }
    expect(statuses).toEqual([
      [200, 200],
      [200, 200],
      [429, 429],
    ]);
  });

  it('may call from pages of the listed origins, and of no others', async () => {
    const site = 'https://www.example.org';
    const service = await startService({ ...env, ALLOWED_ORIGINS: site });
    const preflight = await fetch(`${service.url}/chat/x`, {
      method: 'OPTIONS',
      headers: { Origin: site, 'Access-Control-Request-Method': 'PUT' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(site);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
    const evil = { headers: { Origin: 'https://evil.example' } };
    for (const path of ['/?username=TR', '/chat_history/x', '/sessions'])
      expect(await codeOf(await fetch(service.url + path, evil))).toBe('403 origin_not_allowed');
    const { session_id } = await begin(service, 'TR');
    const answer = await put(service, session_id, { payload: 'Hi' }, { Origin: site });
    expect(answer.headers.get('access-control-allow-origin')).toBe(site);
    await answer.text();
  });

  it('gets nothing where it is off', async () => {
    const service = await startService({ ...env, DIALECTS: 'none' });
    for (const path of ['/?username=TR', '/chat_history/x', '/sessions?username=TR'])
      expect((await fetch(service.url + path)).status).toBe(404);
    expect((await put(service, 'x', { payload: 'Hi' })).status).toBe(404);
  });
});
