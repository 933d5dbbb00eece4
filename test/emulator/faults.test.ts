/** Each fault as the real SDK sees it: the table of traps that the backends are built on. */

import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { expect, test } from 'vitest';
import type { Fault } from '../../emulator/faults.ts';
import { collapse, collect, collectUntilError, failureOf, start } from './start.ts';

const REQUEST = { model: 'm', input: 'Hello' };

/** Streams one response that the fault strikes. */
const streamStruckBy = async (fault: Fault) => {
  const { emulator, openai } = await start({ answer: () => 'a b c d e f' });
  const handle = emulator.fail({ on: 'responses', fault });
  const stream = await openai.responses.create({ ...REQUEST, stream: true });
  const { all, error } = await collectUntilError<ResponseStreamEvent>(stream);
  const types = all.map(({ type }) => type);
  const deltas = types.filter((type) => type.endsWith('.delta')).length;
  return { emulator, openai, handle, events: all, types: collapse(types), last: all.at(-1), deltas, error };
};

test.for([400, 401, 403, 404, 422])('a %i is a typed error and is not retried', async (status) => {
  const { emulator, openai } = await start();
  const handle = emulator.fail({ on: 'responses', fault: { kind: 'status', status }, times: 5 });
  const error = await failureOf(openai.responses.create(REQUEST, { maxRetries: 2 }));
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ status });
  expect(handle.struck).toBe(1);
});

test.for([409, 429, 500, 503])('a %i is retried, then a typed error', async (status) => {
  const { emulator, openai } = await start();
  const fault: Fault = { kind: 'status', status, retryAfter: 0.01 };
  const handle = emulator.fail({ on: 'responses', fault, times: 3 });
  const error = await failureOf(openai.responses.create(REQUEST, { maxRetries: 2 }));
  expect(error).toMatchObject({ status });
  expect(handle.struck).toBe(3);
  await openai.responses.create(REQUEST);
});

test('Retry-After, code and message are sent as told, and only that often', async () => {
  const { emulator, openai } = await start();
  emulator.fail({
    on: 'responses',
    fault: { kind: 'status', status: 429, retryAfter: 7, code: 'insufficient_quota', message: 'Pay.' },
  });
  const error = await failureOf(openai.responses.create(REQUEST));
  if (!(error instanceof APIError)) throw error;
  expect(error.headers?.get('retry-after')).toBe('7');
  expect(error.error).toEqual({ message: 'Pay.', type: 'requests', param: null, code: 'insufficient_quota' });
  await openai.responses.create(REQUEST);
});

test('HTML instead of JSON', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ fault: { kind: 'status', status: 502, html: true } });
  const error = await failureOf(openai.responses.create(REQUEST));
  if (!(error instanceof APIError)) throw error;
  expect(error.status).toBe(502);
  expect(error.headers?.get('content-type')).toMatch('text/html');
  expect(error.message).toContain('<html>');
});

test('a connection that is reset is an APIConnectionError', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ fault: { kind: 'refused' } });
  expect(await failureOf(openai.responses.create(REQUEST))).toBeInstanceOf(APIConnectionError);
});

test('a server that does not listen is an APIConnectionError (ECONNREFUSED) until it listens again', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  await emulator.stopListening();
  const error = await failureOf(openai.responses.create(REQUEST));
  expect(error).toBeInstanceOf(APIConnectionError);
  await expect(fetch(emulator.url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await emulator.listenAgain();
  await openai.responses.create({ ...REQUEST, conversation: id });
});

test('no headers in time is an APIConnectionTimeoutError', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'hang-before-headers' } });
  const error = await failureOf(openai.responses.create(REQUEST, { timeout: 50 }));
  expect(error).toBeInstanceOf(APIConnectionTimeoutError);
});

test('a socket cut mid-stream is a plain TypeError', async () => {
  const { deltas, error } = await streamStruckBy({ kind: 'cut', afterDeltas: 2 });
  expect(deltas).toBe(2);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).not.toBeInstanceOf(APIError);
});

test('a clean end without the final event is no error at all', async () => {
  const whole = await streamStruckBy({ kind: 'end-early' });
  expect(whole).toMatchObject({ deltas: 6, error: undefined, last: { type: 'response.output_text.delta' } });
  const part = await streamStruckBy({ kind: 'end-early', afterDeltas: 1 });
  expect(part).toMatchObject({ deltas: 1, error: undefined });
});

test('response.failed does not throw', async () => {
  const { openai, last, error } = await streamStruckBy({ kind: 'failed', code: 'rate_limit_exceeded' });
  expect(error).toBeUndefined();
  expect(last).toMatchObject({
    type: 'response.failed',
    response: { status: 'failed', error: { code: 'rate_limit_exceeded' }, output: [] },
  });
  await openai.responses.create(REQUEST);
});

test('an error event is an APIError', async () => {
  const { deltas, error } = await streamStruckBy({ kind: 'error-event', afterDeltas: 1 });
  expect(deltas).toBe(1);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ code: 'server_error' });
});

test('an event that is not JSON is a SyntaxError', async () => {
  const { error } = await streamStruckBy({ kind: 'malformed-sse' });
  expect(error).toBeInstanceOf(SyntaxError);
});

test('silence mid-stream is not covered by the timeout', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'hang-mid-stream', afterDeltas: 1 } });
  const stream = await openai.responses.create({ ...REQUEST, stream: true }, { timeout: 30 });
  setTimeout(() => emulator.release(), 120);
  expect((await collect(stream)).at(-1)?.type).toBe('response.completed');
});

test('an abort mid-stream ends the loop silently', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'hang-mid-stream' } });
  const stream = await openai.responses.create({ ...REQUEST, stream: true });
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === 'response.output_text.delta') stream.controller.abort();
  }
  expect(types).not.toContain('response.completed');
});

test.for(['max_output_tokens', 'content_filter'] as const)(
  'an answer cut by %s is incomplete',
  async (reason) => {
    const { last, deltas, types } = await streamStruckBy({ kind: 'incomplete', reason, afterDeltas: 4 });
    expect(deltas).toBe(4);
    expect(types).toContain('response.output_text.done');
    expect(last).toMatchObject({
      type: 'response.incomplete',
      response: {
        status: 'incomplete',
        incomplete_details: { reason },
        output: [{ status: 'incomplete', content: [{ text: 'a b c d ' }] }],
      },
    });
  },
);

test('a refusal has parts and deltas of its own', async () => {
  const { types, last } = await streamStruckBy({ kind: 'refusal' });
  expect(types).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.refusal.delta',
    'response.refusal.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  expect(last).toMatchObject({ response: { output: [{ content: [{ type: 'refusal' }] }] } });
});

test('commentary comes as a message of its own before the answer', async () => {
  const { events, last } = await streamStruckBy({ kind: 'commentary' });
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  expect(last).toMatchObject({
    response: {
      output: [
        { phase: 'commentary' },
        { phase: 'final_answer', content: [{ type: 'output_text', text: 'a b c d e f' }] },
      ],
    },
  });
  const answer = events.flatMap((event) =>
    event.type === 'response.output_text.delta' && event.output_index === 1 ? [event.delta] : [],
  );
  expect(answer.join('')).toBe('a b c d e f');
});

test('a conversation can be said to be locked while nothing is in flight', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'locked' } });
  const { id } = await openai.conversations.create();
  const request = { ...REQUEST, conversation: id };
  await expect(openai.responses.create(request)).rejects.toMatchObject({ code: 'conversation_locked' });
  await openai.responses.create(request);
});
