import { describe, expect, it } from 'vitest';
import { allEvents } from '../../helpers/events.ts';
import {
  chunk,
  events,
  type Reply,
  responds,
  STOP,
  sharedScripted,
  startScripted,
  typed,
} from './scripted-upstream.ts';

const pieces = (...texts: readonly string[]): Reply => ({
  body: [...texts.map((content) => events(chunk({ content }))), events(STOP, '[DONE]')],
});

/** A piece of a text as JSON writes it: half an emoji has an escape of its own. */
const raw = (...texts: readonly string[]): Reply => ({
  body: [
    ...texts.map((content) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`),
    events(STOP, '[DONE]'),
  ],
});

const TEXTS: [name: string, reply: Reply, shown: string][] = [
  ['a thought', pieces('<th', 'ink>Greet', ' them.</thi', 'nk>\n\nHi ', 'there.'), 'Hi there.'],
  [
    'a thought in the words of Magistral',
    pieces('[TH', 'INK]Greet [them].[/THI', 'NK]Hi there.'),
    'Hi there.',
  ],
  ['a thought in the words of Kimi', pieces('◁th', 'ink▷Greet them.◁/thi', 'nk▷\n\nHi there.'), 'Hi there.'],
  ['a thought in the words of Gemma', pieces('<tho', 'ught>Greet them.</tho', 'ught>Hi there.'), 'Hi there.'],
  [
    // https://github.com/johnbean393/Sidekick/issues/75
    'gpt-oss’s channels',
    pieces(
      ...['<|chan', 'nel|>analysis<|mess', 'age|>User says "hi".<|e', 'nd|><|start|>assis'],
      ...['tant<|channel|>fin', 'al<|message|>Hi ', 'there.<|ret', 'urn|>'],
    ),
    'Hi there.',
  ],
  [
    // https://github.com/oobabooga/textgen/issues/7374
    'gpt-oss’s channels where the server shows no tokens',
    pieces('ana', 'lysis', 'User says \\"Hi\\".', 'assist', 'antfin', 'alHi there.'),
    'Hi there.',
  ],
  [
    // https://github.com/NickMonrad/kernel-ai-assistant/issues/1418
    'a thought in the words of Gemma 4',
    pieces('<|chan', 'nel>thou', 'ght\nGreet them.\n<chan', 'nel|>Hi there.<tu', 'rn|>'),
    'Hi there.',
  ],
  ['the end of a turn in the words of Qwen', pieces('Hi there.<|im_', 'end|>'), 'Hi there.'],
  [
    'what a model lets its visitor say',
    pieces('Hi there.<|im_end|><|im', '_start|>us', 'er\nThanks!<|im_', 'end|>'),
    'Hi there.',
  ],
  [
    'tokens that are spoken of',
    pieces('`<|im_', 'end|>` ends it, xs |', '> f <', '| y'),
    '`<|im_end|>` ends it, xs |> f <| y',
  ],
  [
    'what only looks like a thought',
    pieces('[T', 'able] ◁ <th', 'ead> [THINKING]'),
    '[Table] ◁ <thead> [THINKING]',
  ],
  ['a citation of file search', pieces('Two weeks【4:', '0†source', '】.'), 'Two weeks.'],
  [
    'a citation between private-use characters',
    pieces('Two weeks\uE200cite\uE202turn0', 'file1\uE201.'),
    'Two weeks.',
  ],
  ['an emoji in two pieces', raw('Hi \\ud83d', '\\ude00!'), 'Hi \u{1F600}!'],
  [
    'an emoji in two pieces, the second with its own text',
    raw('\\ud83d', '\\ude00 Hi ', '\\ud83d', '\\ude01'),
    '\u{1F600} Hi \u{1F601}',
  ],
  ['half an emoji', raw('Hi \\ud83d', ' there.'), 'Hi \uFFFD there.'],
  ['half an emoji at the end', raw('Hi there \\ud83d'), 'Hi there \uFFFD'],
];

describe('an answer with what is not for visitors', () => {
  const scripted = sharedScripted('completions');
  const logged: Record<string, string> = {};

  it.each(TEXTS)('leaves all of it out of deltas, answer and history: %s', async (_, reply, shown) => {
    const { service, runs, user_id } = scripted(() => reply);
    const { events: coming } = await service.stream({ user_id, message: 'Hello!' });
    const all = await allEvents(coming);
    const deltas = all.flatMap(({ event, data }) =>
      event === 'delta' && data instanceof Object && 'text' in data ? [String(data.text)] : [],
    );
    expect(deltas.join('')).toBe(shown);
    expect(deltas.every((delta) => delta.isWellFormed())).toBe(true);
    expect(all.at(-1)).toMatchObject({ event: 'done', data: { answer: shown } });
    await service.post({ user_id, message: 'And?' });
    expect(runs.at(-1)?.body.messages).toMatchObject([{}, {}, { role: 'assistant', content: shown }, {}]);
    logged[user_id] = shown;
  });

  it('leaves all of it out of the log', async () => {
    const log = await scripted(() => pieces()).service.finalLog();
    for (const [user_id, shown] of Object.entries(logged)) {
      expect(log[user_id]).toMatchObject([{ bot: shown }, {}]);
    }
  });

  it('corrects an answer whose thought had no beginning, and knows the model from then on', async () => {
    const { service } = await startScripted('completions', () =>
      pieces('Greet them.', '</think>', '\n\nHi there.'),
    );
    expect((await service.post({ user_id: 'ann', message: 'one' })).body.answer).toBe('Hi there.');
    const { events: coming } = await service.stream({ user_id: 'ann', message: 'two' });
    const told = JSON.stringify(await allEvents(coming));
    expect(told).toContain('Hi there.');
    expect(told).not.toContain('Greet');
    const log = await service.finalLog();
    expect(log.ann).toMatchObject([{ bot: 'Hi there.' }, { bot: 'Hi there.' }]);
  });

  it('of a response is treated the same', async () => {
    const { service } = await startScripted('responses', () => responds('<think>Hm.</think>Hi【1†a】.'));
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).body.answer).toBe('Hi.');
  });
});

describe('a silent upstream', () => {
  it('that speaks again and again may take longer than STREAM_IDLE_TIMEOUT in all', async () => {
    const words = Array.from({ length: 60 }, (_, n) => `${n} `);
    const { service } = await startScripted('completions', () => pieces(...words), {
      STREAM_IDLE_TIMEOUT: '150ms',
    });
    // Each piece takes 5 ms at least.
    const begun = performance.now();
    const { body } = await service.post({ user_id: 'ann', message: 'Count!' });
    expect(performance.now() - begun).toBeGreaterThan(300);
    expect(body.answer?.trim()).toBe(words.join('').trim());
  });

  it('ends the turn after STREAM_IDLE_TIMEOUT', async () => {
    const { service } = await startScripted(
      'responses',
      () => ({ body: typed('response.output_text.delta', { delta: 'Hi' }), ending: 'hang' }),
      { STREAM_IDLE_TIMEOUT: '200ms' },
    );
    const { status, body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect([status, body.error?.code]).toEqual([504, 'upstream_timeout']);
  });
});
