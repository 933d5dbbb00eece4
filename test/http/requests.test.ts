import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { shared } from '../helpers/at-end.ts';
import { exchangeRaw } from '../helpers/raw-http.ts';
import { startBoth } from '../helpers/service.ts';

const both = shared(() => startBoth({ emulator: { answer: ({ message }) => message } }));

/** Calls for which an upstream asks money. */
const spent = (): number => both().emulator.calls.conversations + both().emulator.calls.responses;

const refused = async (body: unknown, headers: Record<string, string> = {}) => {
  const before = spent();
  const answer = await both().service.post(body, headers);
  expect(spent()).toBe(before);
  expect(answer.body.error?.request_id).toBe(answer.headers.get('x-request-id'));
  return [answer.status, answer.body.error?.code, answer.body.error?.detail] as const;
};

describe('a request body', () => {
  it.each<[string, unknown, RegExp]>([
    ['no message', { user_id: 'ann' }, /^message /],
    ['an empty message', { message: '' }, /^message /],
    ['a message of spaces', { message: ' \n\t ' }, /^message /],
    ['a message that is a number', { message: 5 }, /^message /],
    ['a message that is too long', { message: 'x'.repeat(4001) }, /^message .*4000/],
    ['a NUL in the message', { message: 'a\0b' }, /^message /],
    ['a user_id that is too long', { message: 'Hi', user_id: 'x'.repeat(129) }, /^user_id /],
    ['a user_id that is a fraction', { message: 'Hi', user_id: 1.5 }, /^user_id /],
    ['a user_id that no number can hold', '{"message":"Hi","user_id":1e30}', /^user_id /],
    ['a user_id that is a list', { message: 'Hi', user_id: ['ann'] }, /^user_id /],
    ['a user_id that is true', { message: 'Hi', user_id: true }, /^user_id /],
    ['a NUL in the user_id', { message: 'Hi', user_id: 'a\0' }, /^user_id /],
    ['a lone surrogate in the user_id', '{"message":"Hi","user_id":"\\udc00"}', /^user_id /],
    ['a session_token that is a number', { message: 'Hi', session_token: 5 }, /^session_token /],
    ['a list', [], /object/],
    ['a text', '"hello"', /object/],
    ['null', 'null', /object/],
  ])('with %s is refused by the name of the field', async (_, body, message) => {
    const [status, code, told] = await refused(body);
    expect([status, code]).toEqual([400, 'invalid_request']);
    expect(told).toMatch(message);
  });

  it('with half an emoji in the message is accepted, and repaired', async () => {
    const { service, emulator } = await startBoth({ backend: 'completions' });
    const { status } = await service.post('{"user_id":"ann","message":"Hi \\ud83d there \\ude00"}');
    expect(status).toBe(200);
    expect(JSON.stringify(emulator.requests.at(-1)?.body)).toContain('"Hi \uFFFD there \uFFFD"');
    expect((await service.finalLog()).ann).toMatchObject([{ user: 'Hi \uFFFD there \uFFFD' }]);
  });

  it.each(['', '{', '{"message": "Hi"', 'message=Hi', '{"message": undefined}', '['.repeat(30_000)])(
    'that is no JSON is refused (%#)',
    async (body) => {
      expect((await refused(body)).slice(0, 2)).toEqual([400, 'invalid_json']);
    },
  );

  it.each([
    ['Latin-1', Buffer.from('{"message":"Grüße"}', 'latin1')],
    ['UTF-8 that is cut', Buffer.from('{"message":"Grü').subarray(0, -1)],
    ['an encoded surrogate', Buffer.from('{"message":"\xed\xa0\x80"}', 'latin1')],
  ])('that is not UTF-8 (%s) is refused, told in advance or not', async (_, bytes) => {
    const { service } = both();
    const before = spent();
    for (const length of [`Content-Length: ${bytes.length}`, 'Transfer-Encoding: chunked']) {
      const head = `POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n${length}\r\n\r\n`;
      const chunked = [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')];
      const body = length.startsWith('C') ? [bytes] : chunked;
      const [answer] = await exchangeRaw(service.url, { bytes: Buffer.concat([Buffer.from(head), ...body]) });
      expect(answer?.status).toBe(400);
      expect(answer?.body).toContain('"invalid_json"');
    }
    expect(spent()).toBe(before);
  });

  it('may begin with a byte order mark', async () => {
    const { service } = both();
    expect((await service.post('\ufeff{"message":"Hi"}')).status).toBe(200);
  });

  it('whose message has half an emoji is accepted with the half replaced, as a page cuts it', async () => {
    const { service } = await startBoth({ emulator: { answer: ({ message }) => message } });
    const { status, body } = await service.post('{"user_id":"ann","message":"Good \\ud83d"}');
    expect([status, body.answer]).toEqual([200, 'Good \ufffd']);
    const again = await service.post('{"user_id":"ann","message":"\\ude00 and \\ud83d\\ude00"}');
    expect(again.body.answer).toBe('\ufffd and 😀');
    expect((await service.finalLog()).ann?.map(({ user }) => user)).toEqual(['Good \ufffd', '\ufffd and 😀']);
  });

  it('of more than 64 KiB is refused, told in advance or not', async () => {
    const long = JSON.stringify({ message: 'Hi', more: 'x'.repeat(65_536) });
    expect((await refused(long)).slice(0, 2)).toEqual([413, 'body_too_large']);

    const { service } = both();
    const status = await new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
      const call = request(`${service.url}/api/chat`, { method: 'POST', headers }, (answer) =>
        resolve(answer.statusCode),
      );
      call.on('error', reject);
      call.end(long);
    });
    expect(status).toBe(413);
  });

  it.each<Record<string, string>>([
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { 'Content-Type': 'application/jsonp' },
    { 'Content-Type': 'application/json; charset=utf-16' },
    { 'Content-Encoding': 'gzip' },
  ])('of another kind is refused: %j', async (headers) => {
    expect((await refused({ message: 'Hi' }, headers)).slice(0, 2)).toEqual([415, 'unsupported_media_type']);
  });

  it.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"'])(
    'of type %s is accepted, with unknown fields, up to the longest message',
    async (type) => {
      const { service } = both();
      const body = { message: '0123456789'.repeat(400), mood: { deep: [1, 2, 3] } };
      expect((await service.post(body, { 'Content-Type': type })).status).toBe(200);
    },
  );
});

describe('paths and methods', () => {
  it('answers an unknown path with 404 and a wrong method with 405, both as JSON', async () => {
    const { service } = both();
    const unknown = await fetch(`${service.url}/nothing/here`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: 'not_found' } });
    const wrong = await fetch(`${service.url}/api/chat`);
    expect(wrong.status).toBe(405);
    expect(await wrong.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
    expect(wrong.headers.get('allow')).toContain('POST');
  });

  it('gives every answer a request id of our own', async () => {
    const { service } = both();
    const ids = new Set<string | null>();
    for (const path of ['/healthz', '/nothing', '/api/chat']) {
      const { headers } = await fetch(service.url + path, { headers: { 'X-Request-Id': 'mine' } });
      ids.add(headers.get('x-request-id'));
    }
    expect(ids.size).toBe(3);
    expect([...ids].every((id) => id !== null && /^[0-9a-f-]{36}$/.test(id))).toBe(true);
  });

  it('sends headers that keep browsers from guessing, framing and leaking', async () => {
    const { service } = both();
    const { headers } = await fetch(`${service.url}/healthz`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});
