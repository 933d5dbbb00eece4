import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/documents/model.ts';
import { cutText, tokensOf } from '../../src/documents/passages/sizes.ts';
import { splitPassages } from '../../src/documents/passages/split.ts';

const heading = (level: number, text: string): Block => ({ type: 'heading', level, text });
const text = (words: string, place?: string): Block => ({
  type: 'text',
  text: words,
  ...(place === undefined ? {} : { place }),
});
/** A paragraph of so many tokens that is like no other. */
const paragraph = (tokens: number, name: string): Block =>
  text(`${name} `.repeat(tokens).slice(0, tokens * 4 - 1));

describe('passages', () => {
  it('follow the headings of a document, and say under which they stand', () => {
    const passages = splitPassages('s', [
      heading(1, 'Shipping'),
      paragraph(150, 'abroad'),
      heading(2, 'Austria'),
      paragraph(150, 'austria'),
      heading(2, 'France'),
      paragraph(150, 'france'),
    ]);
    expect(passages.map(({ headings, place }) => ({ headings, place }))).toEqual([
      { headings: ['Shipping'], place: undefined },
      { headings: ['Shipping', 'Austria'], place: 'Austria' },
      { headings: ['Shipping', 'France'], place: 'France' },
    ]);
  });

  it('hold at most 500 tokens, and as many paragraphs as fit', () => {
    const passages = splitPassages(
      's',
      Array.from({ length: 20 }, (_, n) => paragraph(120, `word${n}`)),
    );
    expect(passages).toHaveLength(7);
    expect(Math.max(...passages.map((passage) => tokensOf(passage.text)))).toBeLessThanOrEqual(400);
    const [long] = splitPassages('s', [paragraph(2_000, 'long')]);
    expect(tokensOf(long?.text ?? '')).toBeLessThanOrEqual(500);
  });

  it('keep short sections together under their common heading', () => {
    const passages = splitPassages('s', [
      heading(1, 'Contact'),
      text('Write to us.'),
      heading(2, 'By post'),
      text('Main street 1'),
    ]);
    expect(passages).toHaveLength(1);
    expect(passages[0]).toMatchObject({
      headings: ['Contact'],
      text: 'Write to us.\nBy post\nMain street 1',
    });
  });

  it('tell rows of a table with the names of their columns', () => {
    const [passage] = splitPassages('s', [
      { type: 'row', columns: ['Product', 'Price', ''], cells: ['Tent', '49 €', 'new'] },
      { type: 'row', columns: ['Product', 'Price', ''], cells: ['Lamp', '', ''] },
    ]);
    expect(passage?.text).toBe('Product: Tent; Price: 49 €; new\nProduct: Lamp');
  });

  it('say on which page they begin, and link to their heading where it has an address', () => {
    const [one, two] = splitPassages(
      's',
      [text('Hello', 'page 3'), { type: 'heading', level: 2, text: 'More', url: '#more' }, text('Text')],
      'https://shop.example/a#top',
    );
    expect(one).toMatchObject({ place: 'page 3' });
    expect(two).toMatchObject({ url: 'https://shop.example/a#more' });
  });

  it('keep their ids where another part of the document changes', () => {
    const document = (first: string): Block[] => [
      heading(1, 'Shop'),
      heading(2, 'One'),
      text(first),
      heading(2, 'Two'),
      paragraph(200, 'two'),
      heading(2, 'Three'),
      paragraph(200, 'three'),
    ];
    const before = splitPassages('s', document('old')).map(({ id }) => id);
    const after = splitPassages('s', document('new')).map(({ id }) => id);
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(after[0]).not.toBe(before[0]);
  });

  it('have an id of their own, even where they say the same', () => {
    const blocks = [heading(2, 'A'), paragraph(200, 'same'), heading(2, 'A'), paragraph(200, 'same')];
    const ids = [...splitPassages('s', blocks), ...splitPassages('t', blocks)].map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
  });
});

describe('a long text', () => {
  it('is cut at the ends of sentences', () => {
    expect(cutText('One is here. Two is here. Three is here.', 8)).toEqual([
      'One is here. Two is here.',
      'Three is here.',
    ]);
  });

  it('is cut somewhere where it has no sentences, and loses nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 100, maxLength: 3_000 }), (long) => {
        const parts = cutText(long, 20);
        for (const part of parts) expect(tokensOf(part)).toBeLessThanOrEqual(20);
        expect(parts.join('').replaceAll(/\s/g, '')).toBe(long.replaceAll(/\s/g, ''));
      }),
      { numRuns: 50 },
    );
  });

  it('is cut quickly, even where it is one endless word', () => {
    const parts = cutText('x'.repeat(1_000_000), 500);
    expect(parts).toHaveLength(500);
  });
});
