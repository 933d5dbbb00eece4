import { describe, expect, it } from 'vitest';
import { startEmulator } from '../../helpers/service.ts';
import {
  events,
  type Reply,
  refuses,
  says,
  sharedScripted,
  startScripted,
  typed,
} from './scripted-upstream.ts';

const inStream = (error: object): Reply => ({ body: events({ error }, '[DONE]') });

/** What an upstream refuses with, how often it is asked, and what the visitor is told. */
const REFUSALS: [
  name: string,
  backend: 'completions' | 'responses',
  reply: Reply,
  asked: number,
  code: string,
][] = [
  [
    '402 of an empty account',
    'completions',
    refuses(
      402,
      '{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/credits","code":402}}',
    ),
    1,
    'upstream_unauthorized',
  ],
  [
    '498 of a spent capacity',
    'completions',
    refuses(498, '{"error":{"message":"Flex tier capacity exceeded","type":"flex"}}'),
    3,
    'upstream_busy',
  ],
  [
    'a model that was shut down',
    'completions',
    refuses(
      400,
      '{"error":{"message":"The model `llama-3.1-70b` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}',
    ),
    1,
    'upstream_rejected',
  ],
  [
    '429 inside a stream',
    'completions',
    inStream({ code: 429, message: 'Provider returned error' }),
    3,
    'upstream_busy',
  ],
  [
    '502 inside a stream',
    'completions',
    inStream({ code: 502, message: 'Provider returned error' }),
    3,
    'upstream_failed',
  ],
  [
    '401 inside a stream',
    'completions',
    inStream({ code: 401, message: 'No auth' }),
    1,
    'upstream_unauthorized',
  ],
  [
    'an error that is a text',
    'completions',
    { body: events({ error: 'the model crashed' }) },
    3,
    'upstream_failed',
  ],
  [
    'an error as plain JSON with 200',
    'completions',
    {
      body: '{"error":{"message":"Insufficient credits","code":402}}',
      headers: { 'content-type': 'application/json' },
    },
    1,
    'upstream_unauthorized',
  ],
  [
    'an overloaded server',
    'responses',
    {
      body: typed('response.failed', {
        response: { status: 'failed', error: { code: 'server_is_overloaded', message: 'Overloaded' } },
      }),
    },
    3,
    'upstream_busy',
  ],
  [
    'a wrong key inside a stream',
    'responses',
    { body: typed('error', { code: 'invalid_api_key', message: 'Incorrect API key provided', param: null }) },
    1,
    'upstream_unauthorized',
  ],
  [
    "a time-out of Cloudflare's",
    'completions',
    refuses(524, 'error code: 524', { 'content-type': 'text/plain' }),
    3,
    'upstream_timeout',
  ],
  [
    'an event that is named an error',
    'completions',
    {
      body: 'event: error\ndata: {"code":"Throttling.RateQuota","message":"Requests rate limit exceeded"}\n\n',
    },
    3,
    'upstream_busy',
  ],
  [
    'a retry that is asked for',
    'completions',
    refuses(400, '{"error":{"message":"Try again"}}', { 'x-should-retry': 'true' }),
    3,
    'upstream_rejected',
  ],
  [
    'a retry that is declined',
    'completions',
    refuses(500, '{"error":{"message":"Broken for good"}}', { 'x-should-retry': 'false' }),
    1,
    'upstream_failed',
  ],
];

describe('a refusal', () => {
  const scripted = {
    completions: sharedScripted('completions'),
    responses: sharedScripted('responses'),
  };

  it.each(REFUSALS)('is told by its meaning: %s', async (_, backend, reply, asked, code) => {
    const { service, runs, user_id } = scripted[backend](() => reply);
    const { body } = await service.post({ user_id, message: 'Hello!' });
    expect([body.error?.code, runs.length]).toEqual([code, asked]);
  });

  it('that names a date to come back at is heeded', async () => {
    const later = new Date(Date.now() + 2_500).toUTCString();
    const { service, runs, user_id } = scripted.completions((_, count) =>
      count === 0 ? refuses(429, '{}', { 'retry-after': later }) : says('Hi.'),
    );
    const begun = performance.now();
    expect((await service.post({ user_id, message: 'Hello!' })).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThan(1_000);
    expect(runs).toHaveLength(2);
  });

  it.each([
    ['an empty account', REFUSALS[0]],
    ['a model that was shut down', REFUSALS[2]],
    ['a spent capacity', REFUSALS[1]],
  ])('for %s lets the fallback answer', async (_, row) => {
    const second = await startEmulator();
    const { service } = await startScripted('completions', () => row?.[2] ?? says(''), {
      FALLBACK_BACKEND: 'completions',
      FALLBACK_BASE_URL: second.url,
      FALLBACK_MODEL: 'm',
    });
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(second.calls.completions).toBe(1);
  });
});
