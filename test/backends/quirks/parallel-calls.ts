import { chunk, events, type Reply } from './scripted-upstream.ts';

export const CALLED = chunk({}, 'tool_calls');
export const call = (more: object, name: string, given: unknown) => ({
  type: 'function',
  function: { name, arguments: given },
  ...more,
});
export const given = (...lists: readonly (readonly object[])[]): Reply => ({
  body: events(...lists.map((calls) => chunk({ tool_calls: calls })), CALLED, '[DONE]'),
});

/** Calls of `order` for A1, and of `order` or `stock` for B2. */
export const PARALLEL: [name: string, reply: Reply, second: string, source: string][] = [
  [
    'the same index, ids of their own',
    given(
      [call({ index: 0, id: 'c1' }, 'order', '{"n":"A1"}')],
      [call({ index: 0, id: 'c2' }, 'order', '{"n":"B2"}')],
    ),
    'order',
    'BerriAI/litellm#16194, ai-dynamo/dynamo#4723',
  ],
  [
    'the same index, no ids, names of their own',
    given([call({ index: 0 }, 'order', '{"n":"A1"}')], [call({ index: 0 }, 'stock', '{"n":"B2"}')]),
    'stock',
    'issue 10 of this project (Ollama)',
  ],
  [
    'the same index and name, empty ids',
    given([
      call({ index: 0, id: '' }, 'order', '{"n":"A1"}'),
      call({ index: 0, id: '' }, 'order', '{"n":"B2"}'),
    ]),
    'order',
    'issue 10 of this project (Gemini)',
  ],
  [
    'the same index, in pieces, the id with the first of each',
    given(
      [call({ index: 0, id: 'c1' }, 'order', '{"n"')],
      [{ index: 0, function: { arguments: ':"A1"}' } }],
      [call({ index: 0, id: 'c2' }, 'order', '{"n"')],
      [{ index: 0, function: { arguments: ':"B2"}' } }],
    ),
    'order',
    'issue 10 of this project',
  ],
  [
    'id and name with each piece',
    given(
      [call({ index: 0, id: 'c1' }, 'order', '{"n"'), call({ index: 1, id: 'c2' }, 'order', '{"n"')],
      [call({ index: 0, id: 'c1' }, 'order', ':"A1"}'), call({ index: 1, id: 'c2' }, 'order', ':"B2"}')],
    ),
    'order',
    'issue 10 of this project',
  ],
  [
    'no index and no ids, one after the other',
    given([call({}, 'order', '{"n":"A1"}')], [call({}, 'stock', '{"n":"B2"}')]),
    'stock',
    'issue 10 of this project',
  ],
  [
    'null for the index',
    given([
      call({ index: null, id: 'c1' }, 'order', '{"n":"A1"}'),
      call({ index: null, id: 'c2' }, 'order', '{"n":"B2"}'),
    ]),
    'order',
    'issue 10 of this project',
  ],
  [
    "the function's name for an id, and no index",
    given([call({ id: 'order' }, 'order', '{"n":"A1"}'), call({ id: 'order' }, 'order', '{"n":"B2"}')]),
    'order',
    'a sibling of the empty ids (proxies before Gemini)',
  ],
  [
    'an index each, one id for both',
    given([
      call({ index: 0, id: 'call_0' }, 'order', '{"n":"A1"}'),
      call({ index: 1, id: 'call_0' }, 'order', '{"n":"B2"}'),
    ]),
    'order',
    'a sibling of the empty ids',
  ],
  [
    'arguments as objects',
    given([
      call({ index: 0, id: 'c1' }, 'order', { n: 'A1' }),
      call({ index: 1, id: 'c2' }, 'order', { n: 'B2' }),
    ]),
    'order',
    'issue 10 of this project (Ollama)',
  ],
  [
    'a whole message',
    {
      body: JSON.stringify({
        choices: [
          {
            message: {
              content: null,
              tool_calls: [
                call({ id: 'c1' }, 'order', '{"n":"A1"}'),
                call({ id: 'c2' }, 'order', '{"n":"B2"}'),
              ],
            },
            finish_reason: 'tool_calls',
          },
        ],
      }),
    },
    'order',
    'issue 10 of this project',
  ],
  [
    'no word of the end',
    {
      body: events(
        chunk({ tool_calls: [call({ index: 0, id: 'c1' }, 'order', '{"n":"A1"}')] }),
        chunk({ tool_calls: [call({ index: 1, id: 'c2' }, 'order', '{"n":"B2"}')] }),
        '[DONE]',
      ),
    },
    'order',
    'issue 10 of this project',
  ],
];
