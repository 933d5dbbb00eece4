import { describe, expect, it } from 'vitest';
import { buildQuery } from '../../src/documents/search/query.ts';
import { fuse } from '../../src/documents/search/relevance.ts';
import { createSearch } from '../../src/documents/search/search.ts';
import { fold } from '../../src/documents/text/fold.ts';
import { detectLanguage } from '../../src/documents/text/languages.ts';
import { termsOf, wordsOf } from '../../src/documents/text/terms.ts';
import { openLibrary } from './helper.ts';

/** A library of texts, each a document. */
const libraryOf = async (texts: readonly string[]) => {
  const { index, library } = await openLibrary();
  for (const [n, text] of texts.entries()) {
    await library.take({
      kind: 'upload',
      location: `${n}.md`,
      raw: { name: `${n}.md`, bytes: Buffer.from(text) },
    });
  }
  const search = createSearch({ index });
  const ask = async (question: string, previous?: string) => {
    const found = await search.search(
      question,
      previous === undefined ? {} : { previous: async () => previous },
    );
    return found.filter(({ isRelevant }) => isRelevant).map(({ passage }) => passage.text);
  };
  return { search, ask };
};
const GERMAN = [
  '# Rückgabe\n\nDie Frist für die Rückgabe beträgt dreißig Tage ab dem Tag, an dem Sie die Ware erhalten.',
  '# Versand\n\nDie Versandkosten betragen fünf Euro, und der Versand ist ab fünfzig Euro frei.',
  '# Zahlung\n\nSie können mit Karte oder auf Rechnung zahlen, und wir geben zwei Prozent Skonto.',
];

describe('words', () => {
  it.each([
    ['Größe', 'grosse'],
    ['GROSSE', 'grosse'],
    ['Crème Brûlée', 'creme brulee'],
    ['Łódź', 'lodz'],
    ['ﬁne', 'fine'],
    ['한국어', '한국어'],
    ['ค่าจัดส่ง', 'ค่าจัดส่ง'],
    ['ЁЖ', 'еж'],
  ])('of %s are %s', (text, folded) => {
    expect(fold(text)).toBe(folded);
  });

  it('of languages without spaces are runs of characters', () => {
    expect(wordsOf('送料無料 free')).toEqual(['送料', '料無', '無料', 'free']);
    expect(wordsOf('จัดส่ง')).toEqual(['จัด', 'ัดส', 'ดส่', 'ส่ง']);
    expect(wordsOf('x'.repeat(100))).toEqual([]);
  });

  it('lose their endings in their language', () => {
    expect(termsOf('returning returned returns', 'en')).toEqual(['return', 'return', 'return']);
    expect(termsOf('Bestellungen Bestellung', 'de')).toEqual(['bestell', 'bestell']);
    expect(termsOf('AX200s', 'en')).toEqual(['ax200s']);
  });

  it('tell the language', () => {
    expect(detectLanguage('The parcels that we send to you are free of charge')).toBe('en');
    expect(detectLanguage('Die Pakete, die wir Ihnen senden, sind für Sie nicht teuer')).toBe('de');
    expect(detectLanguage('Les colis que nous vous envoyons ne sont pas chers', 'en')).toBe('fr');
    expect(detectLanguage('Zelt 200', 'de-AT')).toBe('de');
    expect(detectLanguage('Zelt 200')).toBeUndefined();
  });

  it('of a question are those that tell what it is about', () => {
    expect(buildQuery('How much is the shipping?', ['en']).groups.map(({ forms }) => forms)).toEqual([
      ['ship'],
    ]);
    expect(buildQuery('Was ist das?', ['de']).groups.length).toBeGreaterThan(0);
    expect(buildQuery('word '.repeat(5_000), ['en']).groups).toHaveLength(1);
  });
});

describe('a question finds', () => {
  it('other forms of its words', async () => {
    const { ask } = await libraryOf(GERMAN);
    expect(await ask('Kann ich mit einer Rechnung bezahlen?')).toEqual([
      expect.stringContaining('auf Rechnung'),
    ]);
  });

  it('the parts of a word that is put together', async () => {
    const { ask } = await libraryOf(GERMAN);
    expect((await ask('Rückgabefrist'))[0]).toContain('dreißig Tage');
  });

  it('words that begin with its own', async () => {
    const { ask } = await libraryOf([
      '# Kosten\n\nDie Versandkostenpauschale beträgt fünf Euro, wenn Sie bei uns im Laden bestellen.',
      ...GERMAN.slice(2),
    ]);
    expect((await ask('Versandkosten'))[0]).toContain('Pauschale'.toLowerCase());
  });

  it.each([
    [
      'Japanese',
      ['# 配送\n\n送料は全国一律500円です。', '# 返品\n\n返品は30日以内です。'],
      '送料はいくらですか',
      '500円',
    ],
    [
      'Chinese',
      ['# 配送\n\n全国运费统一为五元，三天内送达。', '# 退货\n\n收到商品后三十天内可以退货。'],
      '运费是多少？',
      '五元',
    ],
    [
      'Thai',
      ['# การจัดส่ง\n\nค่าจัดส่งทั่วประเทศ 50 บาท', '# การคืนสินค้า\n\nคืนสินค้าได้ภายใน 30 วัน'],
      'ค่าจัดส่งเท่าไหร่',
      '50 บาท',
    ],
    [
      'Korean',
      ['# 배송\n\n배송비는 전국 3000원입니다.', '# 반품\n\n반품은 30일 이내에 가능합니다.'],
      '배송비는 얼마예요?',
      '3000원',
    ],
  ])('what is written without spaces, in %s', async (_, texts, question, said) => {
    const { ask } = await libraryOf(texts);
    expect(await ask(question)).toEqual([expect.stringContaining(said)]);
  });

  it('nothing where it is about something else', async () => {
    const { ask } = await libraryOf(GERMAN);
    expect(await ask('Wer hat die Weltmeisterschaft gewonnen?')).toEqual([]);
    expect(await ask('Hallo!')).toEqual([]);
    expect(await ask('???')).toEqual([]);
  });

  it('what the message before was about, where it does not say it itself', async () => {
    const { ask } = await libraryOf(GERMAN);
    expect(await ask('Und wie viel ist das?', 'Was kostet der Versand?')).toEqual([
      expect.stringContaining('Versandkosten'),
    ]);
    expect(await ask('Und die Rückgabe der Ware?', 'Was kostet der Versand?')).toEqual([
      expect.stringContaining('dreißig'),
    ]);
  });
});

describe('two rankings', () => {
  it('are put together so that what both have comes first', () => {
    expect(
      fuse([
        ['a', 'b', 'c'],
        ['d', 'b'],
      ]).map(({ id }) => id)[0],
    ).toBe('b');
    expect(fuse([[], ['d', 'b']]).map(({ id }) => id)).toEqual(['d', 'b']);
  });
});
