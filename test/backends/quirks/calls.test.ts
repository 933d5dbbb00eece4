import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { newVisitor, shared } from '../../helpers/at-end.ts';
import { temporaryFolder } from '../../helpers/service.ts';
import { startHook } from '../../helpers/webhook.ts';
import { CALLED, call, given, PARALLEL } from './parallel-calls.ts';
import {
  chunk,
  events,
  type Reply,
  SAYS,
  type Sent,
  says,
  startScripted,
  typed,
} from './scripted-upstream.ts';

const assistantFile = async (url: string, names: readonly string[]): Promise<string> => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  const tools = names.map((name) => ({
    type: 'function',
    function: { name, parameters: { type: 'object', properties: {} } },
    'x-webhook': { url, allow_unverified: true },
  }));
  await writeFile(file, JSON.stringify({ model: 'm', tools }));
  return file;
};

/**
 * A service whose assistant has two functions; all tests share it. In a message's first round the upstream says `first`,
 * and in its second "Done.".
 */
const sharedCalling = (backend: 'completions' | 'responses') => {
  const started = shared(async () => {
    const hook = await startHook(() => '"ok"');
    const env = { ASSISTANT_FILE: await assistantFile(hook.url, ['order', 'stock']) };
    return { hook, ...(await startScripted(backend, () => SAYS[backend]('Done.'), env)) };
  });
  return async (first: Reply) => {
    const { hook, service, runs, answerWith } = started();
    const before = hook.calls.length;
    answerWith((_, count) => (count === 0 ? first : SAYS[backend]('Done.')));
    const answer = await service.post({ user_id: newVisitor(), message: 'Where are A1 and B2?' });
    const called = hook.calls
      .slice(before)
      .map(({ body }) => JSON.parse(body))
      .map((call) => `${call.name} ${JSON.stringify(call.arguments)}`)
      .toSorted();
    return { runs, answer, called };
  };
};

const calling = { completions: sharedCalling('completions'), responses: sharedCalling('responses') };

const told = ({ body }: Sent): { role: string; [field: string]: unknown }[] =>
  Array.isArray(body.messages) ? body.messages : [];

describe('two functions that are called at once', () => {
  it.each(PARALLEL)('are both called, and both answered: %s', async (_, first, second) => {
    const { answer, called, runs } = await calling.completions(first);
    expect([answer.status, answer.body.answer]).toEqual([200, 'Done.']);
    expect(called).toEqual(['order {"n":"A1"}', `${second} {"n":"B2"}`]);
    const messages = told(runs.at(-1) ?? { path: '', headers: {}, body: {} });
    const calls = messages.flatMap((message) =>
      Array.isArray(message.tool_calls) ? message.tool_calls : [],
    );
    const ids = calls.map(({ id }) => id);
    expect(ids.every((id) => typeof id === 'string' && id.length >= 2)).toBe(true);
    expect(new Set(ids).size).toBe(2);
    expect(messages.filter(({ role }) => role === 'tool').map(({ tool_call_id }) => tool_call_id)).toEqual(
      ids,
    );
  });

  it('are both called where a response tells them with its end only', async () => {
    const output = ['A1', 'B2'].map((n) => ({
      type: 'function_call',
      name: 'order',
      arguments: { n },
      call_id: n,
    }));
    const first = { body: typed('response.completed', { response: { status: 'completed', output } }) };
    const { answer, called } = await calling.responses(first);
    expect([answer.status, answer.body.answer]).toEqual([200, 'Done.']);
    expect(called).toEqual(['order {"n":"A1"}', 'order {"n":"B2"}']);
  });
});

describe('what a model said with its call', () => {
  it('is told back whole, as DeepSeek and Gemini demand', async () => {
    // hermes-agent#15228 (DeepSeek), openchatcut#6 (Gemini)
    const signature = { google: { thought_signature: 'c2lnbmF0dXJl' } };
    const { answer, runs } = await calling.completions({
      body: events(
        chunk({ reasoning_content: 'I must ' }),
        chunk({ reasoning_content: 'look.' }),
        chunk({ reasoning_details: [{ type: 'reasoning.text', text: 'a' }] }),
        chunk({ reasoning_details: [{ type: 'reasoning.text', text: 'b' }] }),
        chunk({ content: 'Let me ' }),
        chunk({ content: 'look.' }),
        chunk({ tool_calls: [call({ index: 0, id: 'c1', extra_content: signature }, 'order', '{}')] }),
        CALLED,
        '[DONE]',
      ),
    });
    expect(answer.body.answer).toBe('Let me look.\n\nDone.');
    expect(told(runs.at(-1) ?? { path: '', headers: {}, body: {} }).slice(2)).toEqual([
      {
        role: 'assistant',
        content: 'Let me look.',
        reasoning_content: 'I must look.',
        reasoning_details: [
          { type: 'reasoning.text', text: 'a' },
          { type: 'reasoning.text', text: 'b' },
        ],
        tool_calls: [
          {
            id: 'c1',
            type: 'function',
            function: { name: 'order', arguments: '{}' },
            extra_content: signature,
          },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: '"ok"' },
    ]);
  });

  it('is left out where the server does not take it back', async () => {
    const hook = await startHook(() => '"ok"');
    const refusal: Reply = {
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: '{"error":{"message":"\'messages.2\' : for \'role:assistant\' the following must be satisfied[(\'messages.2\' : property \'reasoning\' is unsupported)]","type":"invalid_request_error"}}',
    };
    const first = {
      body: events(
        chunk({ reasoning: 'Hm.', tool_calls: [call({ index: 0, id: 'c1' }, 'order', '{}')] }),
        CALLED,
        '[DONE]',
      ),
    };
    const { service, runs } = await startScripted(
      'completions',
      (sent) => {
        if (!told(sent).some(({ role }) => role === 'tool')) return first;
        return told(sent).some((message) => 'reasoning' in message) ? refusal : says('Done.');
      },
      { ASSISTANT_FILE: await assistantFile(hook.url, ['order']) },
    );
    for (const message of ['one', 'two']) {
      expect((await service.post({ user_id: 'ann', message })).body.answer).toBe('Done.');
    }
    expect(hook.calls).toHaveLength(2);
    // It was learned: only the first message was refused.
    expect(runs).toHaveLength(2 + 1 + 2);
  });
});

describe('the bounds of function calls', () => {
  const many = (count: number, args: (n: number) => string): Reply =>
    given(Array.from({ length: count }, (_, n) => call({ index: n, id: `c${n}` }, 'order', args(n))));

  it('let sixteen be called in a round, and tell the model of the others', async () => {
    const { answer, called, runs } = await calling.completions(many(20, (n) => `{"n":${n}}`));
    expect(answer.status).toBe(200);
    expect(called).toHaveLength(16);
    const results = told(runs.at(-1) ?? { path: '', headers: {}, body: {} }).filter(
      ({ role }) => role === 'tool',
    );
    expect(results.map(({ content }) => content)).toEqual([
      ...Array(16).fill('"ok"'),
      ...Array(4).fill(expect.stringContaining('at most 16')),
    ]);
  });

  it('let eight be called at a time', async () => {
    let running = 0;
    let most = 0;
    const hook = await startHook(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 60));
      running -= 1;
      return '"ok"';
    });
    const { service } = await startScripted(
      'completions',
      (_, count) => (count === 0 ? many(16, () => '{}') : says('Done.')),
      { ASSISTANT_FILE: await assistantFile(hook.url, ['order']) },
    );
    expect((await service.post({ user_id: 'ann', message: 'All of them!' })).status).toBe(200);
    expect([hook.calls.length, most]).toEqual([16, 8]);
  });

  it('tell the model of arguments longer than 64 KiB, and call the others', async () => {
    const sizes = [64 * 1024, 64 * 1024 + 1];
    const { answer, called, runs } = await calling.completions(
      many(2, (n) => JSON.stringify('x'.repeat((sizes[n] ?? 0) - 2))),
    );
    expect(answer.status).toBe(200);
    expect(called).toHaveLength(1);
    const results = told(runs.at(-1) ?? { path: '', headers: {}, body: {} }).filter(
      ({ role }) => role === 'tool',
    );
    expect(results.map(({ content }) => content)).toEqual(['"ok"', expect.stringContaining('64 KiB')]);
  });
});
