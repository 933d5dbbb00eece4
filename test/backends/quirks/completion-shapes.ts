import { gzipSync } from 'node:zlib';
import { chunk, events, type Reply, STOP } from './scripted-upstream.ts';

export const said = chunk({ content: 'Hi ' });
export const there = chunk({ content: 'there.' });
export const whole = events(said, there, STOP, '[DONE]');
export const answer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi there.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 2 },
};
export const sent = (body: Reply['body'], headers?: Record<string, string>): Reply =>
  headers ? { body, headers } : { body };

/** Each says "Hi there.", in a way that a server has. */
export const COMPLETIONS: [name: string, reply: Reply, source: string][] = [
  [
    'content as parts, with its thoughts',
    sent(
      events(
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Greet.' }] }] }),
        chunk({ content: [{ type: 'text', text: 'Hi ' }] }),
        chunk({ content: [{ type: 'text', text: 'there.' }] }),
        STOP,
        '[DONE]',
      ),
    ),
    'BerriAI/litellm#16272 (Mistral)',
  ],
  [
    'a whole message instead of deltas',
    sent(
      events({ choices: [{ index: 0, message: { content: 'Hi there.' }, finish_reason: 'stop' }] }, '[DONE]'),
    ),
    'issue 10 of this project',
  ],
  [
    'a message that is longer each time',
    sent(
      events(
        { choices: [{ index: 0, message: { content: 'Hi ' }, finish_reason: null }] },
        { choices: [{ index: 0, message: { content: 'Hi there.' }, finish_reason: 'stop' }] },
      ),
    ),
    'public reports (Perplexity)',
  ],
  [
    'deltas, and the whole message with the last',
    sent(
      events(
        chunk({ content: 'Hi ' }, null, { message: { content: 'Hi ' } }),
        chunk({ content: 'there.' }, null, { message: { content: 'Hi there.' } }),
        chunk({}, 'stop', { message: { content: 'Hi there.' } }),
      ),
    ),
    'public reports (Perplexity)',
  ],
  [
    'null for what is absent, empty data and words between the events',
    sent(
      events(
        { choices: null },
        '',
        ': keepalive',
        said,
        { choices: [], usage: { prompt_tokens: null } },
        { choices: [{ index: 0, delta: null, finish_reason: null }], usage: null },
        there,
        STOP,
        '[DONE]',
      ),
    ),
    'issue 10 of this project (Vertex, OpenRouter)',
  ],
  ['no blank line after the last event', sent(events(said, there, STOP).trimEnd()), 'openai-node#2725'],
  [
    'a last event that is cut off, after all was said',
    sent(`${events(said, there, STOP)}data: {"choices":[],"usa`),
    'openai-node#2725',
  ],
  ['[DONE] without a finish reason', sent(events(said, there, '[DONE]')), 'issue 10 of this project'],
  [
    'an empty finish reason with each chunk',
    sent(events(chunk({ content: 'Hi ' }, ''), chunk({ content: 'there.' }, ''), STOP, '[DONE]')),
    'sgl-project/sglang#3912',
  ],
  [
    'an empty finish reason to the end',
    sent(events(chunk({ content: 'Hi there.' }, ''), '[DONE]')),
    'ollama/ollama#4357',
  ],
  [
    'events as text/plain',
    sent(whole, { 'content-type': 'text/plain; charset=utf-8' }),
    'issue 10 of this project',
  ],
  ['events without a type', sent(whole, {}), 'issue 10 of this project'],
  [
    'events as application/json',
    sent(whole, { 'content-type': 'application/json' }),
    'issue 10 of this project',
  ],
  [
    'a plain JSON completion',
    sent(JSON.stringify(answer), { 'content-type': 'application/json' }),
    'issue 10 of this project',
  ],
  [
    'a plain JSON completion as an event stream',
    sent(JSON.stringify(answer, null, 2), { 'content-type': 'text/event-stream' }),
    'issue 10 of this project',
  ],
  [
    'gzip, although nobody asked for it',
    sent(gzipSync(whole), { 'content-encoding': 'gzip' }),
    'issue 10 of this project (a compressing proxy)',
  ],
  [
    'gzip in pieces',
    sent([gzipSync(whole).subarray(0, 20), gzipSync(whole).subarray(20)], {
      'content-type': 'text/event-stream',
      'content-encoding': 'gzip',
    }),
    'issue 10 of this project (a compressing proxy)',
  ],
  [
    'carriage returns and a byte order mark',
    sent(`\uFEFF${whole.replaceAll('\n', '\r\n')}`),
    'WHATWG, server-sent events',
  ],
  [
    'white space around [DONE]',
    sent(events(said, there, '  [DONE] ')),
    'a sibling of "[DONE] without a finish reason"',
  ],
  [
    'a plain JSON completion behind a byte order mark',
    sent(`\uFEFF${JSON.stringify(answer)}`, { 'content-type': 'application/json' }),
    'a sibling of the byte order mark before events',
  ],
  [
    'a connection that stays open after the end',
    { body: events(said, there, STOP), ending: 'hang' },
    'servers that keep the connection for the next call',
  ],
  [
    'a connection that is cut after the end',
    { body: events(said, there, STOP), ending: 'cut' },
    'load balancers',
  ],
  [
    'characters cut anywhere',
    sent([...Buffer.from(whole)].map((byte) => Buffer.from([byte]))),
    'any network',
  ],
];
