import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMarkerFilter, withoutMarkers } from '../../src/chat/answer-markers.ts';

const CITE = '\uE200cite\uE202turn0search0\uE202turn1file2\uE201';

/** What a visitor sees of an answer, and the pieces in which it is shown. */
const filtered = (pieces: readonly string[], options = {}): string => {
  const filter = createMarkerFilter(options);
  return pieces.map((piece) => filter.push(piece)).join('') + filter.end();
};

const CASES: readonly [title: string, answer: string, shown: string][] = [
  ['a file citation', 'Ten days【4:0†source】.', 'Ten days.'],
  ['a file citation with a file name', 'Ten days【12†returns policy.pdf】 at most', 'Ten days at most'],
  ['two citations in a row', 'Yes【4:0†source】【4:1†source】', 'Yes'],
  ['a private-use citation', `It rains${CITE}.`, 'It rains.'],
  ['a lone private-use character', 'It\uE203 rains\uE204\uE206.', 'It rains.'],
  ['a private-use citation that the end cuts off', 'It rains\uE200cite\uE202turn0', 'It rains'],
  ['a thought', '<think>Hm, what now?\n<b></think>\n\nTen days.', 'Ten days.'],
  ['a thought under its longer name', '<thinking>Hm</thinking>Ten days.', 'Ten days.'],
  ['an empty thought', '<think>\n\n</think>\n\nTen days.', 'Ten days.'],
  ['a thought that the end cuts off', '<think>Hm, what', ''],
  [
    'a thought between two paragraphs',
    'Let me look.\n<think>Hm</think>\nTen days.',
    'Let me look.\nTen days.',
  ],
  ['the end of a thought without its begin', 'Ten </think> days', 'Ten \ndays'],
  ['the end of a thought after code', 'Use `a` </think>`b`', 'Use `a` \n`b`'],
  [
    'gpt-oss’s analysis',
    '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Ten days.<|return|>',
    'Ten days.',
  ],
  [
    'gpt-oss’s call of a tool, but with what is said before it',
    '<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant<|channel|>commentary to=functions.days <|constrain|>json<|message|>{"a":1}<|call|><|start|>assistant<|channel|>final <|constrain|>text<|message|>Ten.',
    'Let me look.\nTen.',
  ],
  [
    'gpt-oss’s tool that answers',
    '<|start|>functions.days to=assistant<|channel|>commentary<|message|>10<|end|><|start|>assistant<|channel|>final<|message|>Ten.',
    'Ten.',
  ],
  ['an analysis that the end cuts off', '<|channel|>analysis<|message|>Hm, what', ''],
  ['a header that breaks off', '<|channel|>analysis\nHm.<|start|>assistant<|channel|>final\nTen.', 'Ten.'],
  [
    'a second analysis',
    'Let me see.<|end|><|channel|>analysis<|message|>Hm.<|end|>\nTen.',
    'Let me see.\nTen.',
  ],
  [
    'gpt-oss’s words where the tokens are not shown',
    'analysisUser asks. "x"assistantfinalTen days.',
    'Ten days.',
  ],
  ['the end of a turn of ChatML', 'Ten days.<|im_end|>', 'Ten days.'],
  ['a turn of ChatML', '<|im_start|>assistant\nTen days.<|im_end|>\n<|endoftext|>', 'Ten days.\n'],
  [
    'what the model lets its user say',
    'Ten.<|im_end|>\n<|im_start|>user\nThanks!<|im_end|>\n<|im_start|>assistant\nWelcome.',
    'Ten.\nWelcome.',
  ],
  ['Llama’s tokens', '<|start_header_id|>assistant<|end_header_id|>\n\nTen days.<|eot_id|>', 'Ten days.'],
  ['Gemma’s tokens', '<start_of_turn>model\nTen days.<end_of_turn>\n', 'Ten days.\n'],
  ['Gemma 4’s thought', '<|channel>thought\nHm.\n<channel|>Ten days.<turn|>', 'Ten days.'],
  [
    'Command’s thought',
    '<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Ten.<|END_RESPONSE|>',
    'Ten.',
  ],
  ['GLM’s box', '<|begin_of_box|>Ten<|end_of_box|> days<|user|>', 'Ten days'],
  ['DeepSeek’s end', 'Ten days.<｜end▁of▁sentence｜>', 'Ten days.'],
  ['Llama 2’s and Mistral’s end', 'Ten days.</s>\n', 'Ten days.'],
  [
    'what a header would hide, where prose speaks of it',
    'It says <|channel|>analysis<|message|>Hm.',
    'It says Hm.',
  ],
  ['the end of a turn in code that was not closed', '```\nten()<|im_end|>', '```\nten()'],
];

const KEPT: readonly [title: string, answer: string][] = [
  ['East Asian brackets', '【注意】十日以内【1】'],
  ['brackets that go on as no citation', '【4:0†source'],
  ['a comparison', 'a < b <th> c </thin'],
  ['a thought that is spoken of', 'Write `<think>` and `</think>` around it.'],
  ['a thought in a block of code', 'So:\n```\n<think>\nHm\n</think>\n```\nis one.'],
  ['an open bracket at the end', 'see 【'],
  [
    'control tokens that are spoken of',
    'Qwen ends with `<|im_end|>`, and ``<|channel|>analysis`` is gpt-oss.',
  ],
  [
    'control tokens in a block of code',
    '```\n<|im_start|>user\nHi<|im_end|>\n<|start|>assistant\n```\nOnce.',
  ],
  ['control tokens right behind the marks of code', 'Use ```<|im_end|>``` here.'],
  ['pipes', 'xs |> map f <| y, <|> and <||>, a <|b|> c, <|not_a_token|>, <start> <｜x｜> <|'],
  ['what is struck out', 'It costs <s>10</s>'],
  ['words that begin as gpt-oss’s do', 'analysis of it: assistantfinal'],
  ['gpt-oss’s first word without its last', 'analysisX is a name'],
  ['the first letters of one', 'analys'],
  ['other private-use characters', 'an icon \uF8FF'],
];

describe('an answer is shown without', () => {
  it.each(CASES)('%s', (_, answer, shown) => {
    expect(filtered([answer])).toBe(shown);
  });

  it.each(CASES)('%s, whatever pieces it comes in', (_, answer, shown) => {
    expect(filtered([...answer])).toBe(shown);
    fc.assert(
      fc.property(fc.array(fc.nat(answer.length)), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), answer.length];
        const pieces = places.slice(1).map((end, index) => answer.slice(places[index] ?? 0, end));
        expect(filtered(pieces)).toBe(shown);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an answer keeps', () => {
  it.each(KEPT)('%s', (_, answer) => {
    expect(filtered([answer])).toBe(answer);
    expect(filtered([...answer])).toBe(answer);
    expect(withoutMarkers(answer)).toBe(answer);
  });

  it('every text that has no marker', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({
            unit: fc.constantFrom('a', ' ', '\n', '<', '|', '>', 's', '`', '【', '】', '†', '4', ':'),
          }),
        ),
        (pieces) => {
          const whole = pieces.join('');
          fc.pre(!/【\d/.test(whole));
          expect(filtered(pieces)).toBe(whole);
        },
      ),
    );
  });
});

describe('a piece of an answer', () => {
  it('is shown at once, but for what may be a marker', () => {
    const filter = createMarkerFilter();
    expect(filter.push('Ten days【4:')).toBe('Ten days');
    expect(filter.push('0†sou')).toBe('');
    expect(filter.push('rce】 or so <')).toBe(' or so ');
    expect(filter.push('b')).toBe('<b');
  });

  it('is not held back for longer than a marker is', () => {
    const filter = createMarkerFilter();
    const long = 'x'.repeat(500);
    expect(filter.push(`【4†${long}`)).toBe(`【4†${long}`);
    expect(filter.push(`\uE200${long}`)).toBe(long);
  });
});

describe('a model whose template begins inside the thought', () => {
  it('is noticed by the lone end of its thought', () => {
    const filter = createMarkerFilter();
    filter.push('Hm.\n</think>\nTen days.');
    filter.end();
    expect(filter.sawLoneThoughtEnd).toBe(true);
  });

  it('shows nothing of it from then on', () => {
    const pieces = ['Hm', ', ten.\n</th', 'ink>\n\nTen', ' days.'];
    expect(filtered(pieces, { startsInThought: true })).toBe('Ten days.');
  });

  it('shows all where it did not think', () => {
    expect(filtered(['Ten ', 'days <b>.'], { startsInThought: true })).toBe('Ten days <b>.');
  });

  it('is noticed where the thought ends in gpt-oss’s words', () => {
    const told = 'Hm, ten.<|end|><|start|>assistant<|channel|>final<|message|>Ten days.';
    const filter = createMarkerFilter();
    expect(filter.push(told) + filter.end()).toBe('Hm, ten.\nTen days.');
    expect(filter.sawLoneThoughtEnd).toBe(true);
    expect(withoutMarkers(told)).toBe('Ten days.');
    expect(filtered([...told], { startsInThought: true })).toBe('Ten days.');
    const known = '<|channel|>final<|message|>Ten days.<|return|>';
    expect(filtered([...known], { startsInThought: true })).toBe('Ten days.');
  });

  it('is not noticed where the answer comes in parts', () => {
    const filter = createMarkerFilter();
    filter.push(
      '<|channel|>commentary<|message|>Wait.<|end|><|start|>assistant<|channel|>final<|message|>Ten.',
    );
    expect([filter.end(), filter.sawLoneThoughtEnd]).toEqual(['', false]);
  });

  it('shows nothing of it in an older log', () => {
    expect(withoutMarkers('Hm, ten.\n</think>\n\nTen days【4:0†source】.')).toBe('Ten days.');
  });
});
