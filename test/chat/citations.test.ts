import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { citedIn, createCitations } from '../../src/chat/citations.ts';

const CITABLE = [
  { title: 'Shipping', url: 'https://shop.example/shipping' },
  { title: 'Returns', place: 'page 2' },
  { title: 'Shipping', url: 'https://shop.example/shipping' },
];
const shown = (pieces: readonly string[], citable = CITABLE) => {
  const citations = createCitations(citable);
  const text = pieces.map((piece) => citations.push(piece)).join('') + citations.end();
  return { text, sources: citations.sources() };
};

const CASES: readonly [title: string, answer: string, text: string, numbers: readonly string[]][] = [
  [
    'numbers what it cites from 1, in its order',
    'Thirty days [2]. Free [1].',
    'Thirty days [1]. Free [2].',
    ['Returns', 'Shipping'],
  ],
  [
    'gives two passages of one document one number',
    'Free [1], always[3].',
    'Free [1], always[1].',
    ['Shipping'],
  ],
  [
    'parts several numbers of one marker',
    'Free [1, 2] or [1-2].',
    'Free [1][2] or [1][2].',
    ['Shipping', 'Returns'],
  ],
  [
    'removes markers that name nothing, with their space',
    'Free [9]. So [4, 1].',
    'Free. So [1].',
    ['Shipping'],
  ],
  [
    'leaves code as it is',
    'Use `list[9]` and\n```\na [7]\n```\nso [2].',
    'Use `list[9]` and\n```\na [7]\n```\nso [1].',
    ['Returns'],
  ],
  ['leaves other brackets as they are', 'A [link](x), [ ], [a1], [', 'A [link](x), [ ], [a1], [', []],
  ['leaves a lone backtick on its own line', 'It`s so [9]\nand [1]', 'It`s so [9]\nand [1]', ['Shipping']],
];

describe('an answer that cites passages', () => {
  it.each(CASES)('%s, whatever pieces it comes in', (_, answer, text, titles) => {
    for (const pieces of [[answer], [...answer]]) {
      const result = shown(pieces);
      expect(result.text).toBe(text);
      expect(result.sources.map(({ title }) => title)).toEqual(titles);
    }
    expect(citedIn(answer, CITABLE).text).toBe(text);
  });

  it('carries the documents with title, address and place', () => {
    expect(shown(['a [1] b [2]']).sources).toEqual([
      { n: 1, title: 'Shipping', url: 'https://shop.example/shipping' },
      { n: 2, title: 'Returns', place: 'page 2' },
    ]);
  });

  it('is shown the same wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '[', ']', '1', '2', '9', ',', '`', '\n') })),
        (pieces) => {
          expect(shown(pieces)).toEqual(shown([pieces.join('')]));
        },
      ),
    );
  });

  it('is not held back for longer than a marker is', () => {
    const citations = createCitations(CITABLE);
    expect(citations.push('Free [1')).toBe('Free');
    expect(citations.push('x')).toBe(' [1x');
    expect(citations.push(`[${'1,'.repeat(40)}`)).toHaveLength(81);
  });
});

describe('an answer of a run without passages', () => {
  it('is left as it is', () => {
    expect(shown(['as in [1] and [', '9].'], [])).toEqual({ text: 'as in [1] and [9].', sources: [] });
  });

  it('gets numbers for what the upstream itself found', () => {
    const citations = createCitations([]);
    const text =
      citations.push('It rains') +
      citations.cite({ title: 'Weather', url: 'https://w.example' }) +
      citations.push('.');
    expect(text + citations.end()).toBe('It rains[1].');
    expect(citations.cite({ title: 'Weather', url: 'https://w.example' })).toBe('[1]');
    expect(citations.sources()).toEqual([{ n: 1, title: 'Weather', url: 'https://w.example' }]);
  });
});
