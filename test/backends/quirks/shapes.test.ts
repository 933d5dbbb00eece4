import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../helpers/service.ts';
import { COMPLETIONS, said, sent, there, whole } from './completion-shapes.ts';
import {
  chunk,
  events,
  type Reply,
  runs,
  STOP,
  sharedScripted,
  startScripted,
  typed,
} from './scripted-upstream.ts';

const completed = (more: object) =>
  typed('response.completed', { response: { status: 'completed', ...more } });
const delta = (text: string, more: object = {}) =>
  typed('response.output_text.delta', { delta: text, ...more });
const message = { type: 'message', content: [{ type: 'output_text', text: 'Hi there.' }] };

const RESPONSES: [name: string, reply: Reply, source: string][] = [
  [
    'events without output_index',
    sent(delta('Hi ') + delta('there.') + completed({})),
    'ggml-org/llama.cpp#20607, lemonade-sdk/lemonade#3607',
  ],
  [
    'output: null and usage with holes',
    sent(
      delta('Hi there.', { output_index: 0 }) + completed({ output: null, usage: { input_tokens: null } }),
    ),
    'issue 10 of this project',
  ],
  ['no deltas', sent(completed({ output: [message] })), 'issue 10 of this project'],
  [
    'no deltas, and an output that is told with its item only',
    sent(typed('response.output_item.done', { output_index: 0, item: message }) + completed({ output: [] })),
    'BerriAI/litellm#32724',
  ],
  [
    'the response as plain JSON',
    sent(JSON.stringify({ id: 'resp_1', object: 'response', status: 'completed', output: [message] })),
    'issue 10 of this project',
  ],
  [
    'events that are named inside only',
    sent(
      events(
        { type: 'response.output_text.delta', delta: 'Hi there.' },
        { type: 'response.completed', response: {} },
      ),
    ),
    'BerriAI/litellm#20943',
  ],
  [
    'no blank line after the last event',
    sent((delta('Hi there.') + completed({})).trimEnd()),
    'openai-node#2725',
  ],
  [
    '[DONE] instead of the final event',
    sent(delta('Hi ') + delta('there.') + events('[DONE]')),
    'a sibling of "[DONE] without a finish reason"',
  ],
];

const run = (text: string) => runs(text, 'thread_1').body.toString();

const ASSISTANTS: [name: string, reply: Reply, source: string][] = [
  [
    'no blank line after the last event',
    sent(run('Hi there.').replace(/\n\nevent: done[\s\S]*$/, '')),
    'openai-node#2725',
  ],
  [
    '[DONE] instead of the final event',
    sent(run('Hi there.').replace(/event: thread\.run\.completed[\s\S]*?\n\n/, '')),
    'a sibling of "[DONE] without a finish reason"',
  ],
  [
    'deltas without types, and an empty usage',
    sent(
      run('Hi there.')
        .replace('"type":"text",', '')
        .replace('"status":"completed"', '"usage":{"prompt_tokens":null}'),
    ),
    'issue 10 of this project',
  ],
];

describe.each<[BackendName, [string, Reply, string][]]>([
  ['completions', COMPLETIONS],
  ['responses', RESPONSES],
  ['assistants', ASSISTANTS],
])('an answer at the %s wire', (backend, rows) => {
  const scripted = sharedScripted(backend);

  it.each(rows)('is read: %s', async (_, reply) => {
    const { service, user_id } = scripted(() => reply);
    const { status, body } = await service.post({ user_id, message: 'Hello!' });
    expect([status, body.answer, body.truncated]).toEqual([200, 'Hi there.', undefined]);
  });
});

/** A service at each of the wires that have rows below. */
const atBoth = (env: Record<string, string> = {}) => ({
  completions: sharedScripted('completions', env),
  responses: sharedScripted('responses', env),
});

describe('an answer that was cut short', () => {
  const scripted = atBoth();

  it.each<[keyof typeof scripted, string, Reply]>([
    ['completions', 'by its length', sent(events(said, chunk({}, 'length'), '[DONE]'))],
    ['completions', 'by its length, in other words', sent(events(said, chunk({}, 'max_tokens'), '[DONE]'))],
    [
      'responses',
      'although it is called completed',
      sent(delta('Hi ') + typed('response.completed', { response: { status: 'incomplete' } })),
    ],
    [
      'responses',
      'as plain JSON',
      sent(JSON.stringify({ object: 'response', status: 'incomplete', output: [message] })),
    ],
  ])('at %s is told as truncated: %s', async (backend, _, reply) => {
    const { service, user_id } = scripted[backend](() => reply);
    const { status, body } = await service.post({ user_id, message: 'Hello!' });
    expect([status, body.truncated]).toEqual([200, true]);
    expect(body.answer).toMatch(/^Hi /);
  });
});

describe('an answer that is none', () => {
  const scripted = atBoth({ RUN_TIMEOUT: '4s' });

  it.each<[keyof typeof scripted, string, Reply]>([
    ['completions', 'ends after words without a word of its end', sent(events(said, there))],
    ['completions', 'ends with [DONE] alone', sent(events('[DONE]'))],
    ['completions', 'is empty', sent('')],
    [
      'completions',
      'is broken in the middle',
      sent(`${events(said)}data: {"choices":[\n\n${events(there, STOP)}`),
    ],
    ['completions', 'is broken JSON', sent('{"choices": [')],
    ['responses', 'ends after words without its final event', sent(delta('Hi '))],
    [
      'responses',
      'says that it has failed',
      sent(typed('response.completed', { response: { status: 'failed' } })),
    ],
  ])('at %s fails clearly: it %s', async (backend, _, reply) => {
    const { service, user_id } = scripted[backend](() => reply);
    const { status, body } = await service.post({ user_id, message: 'Hello!' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_failed']);
  });
});

it('an upstream is asked not to compress', async () => {
  const { service, runs: asked } = await startScripted('completions', () => sent(whole));
  await service.post({ user_id: 'ann', message: 'Hello!' });
  expect(asked[0]?.headers['accept-encoding']).toBe('identity');
});
