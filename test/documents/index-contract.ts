import { beforeEach, describe, expect, it } from 'vitest';
import type { DocumentIndex, PassageWithTerms } from '../../src/documents/index/index-port.ts';
import type { Source } from '../../src/documents/model.ts';
import { termsOf } from '../../src/documents/text/terms.ts';
import { describeCrowd } from './index-crowd.ts';

export const source = (id: string, more: Partial<Source> = {}): Source => ({
  id,
  kind: 'file',
  location: `${id}.md`,
  title: `Title of ${id}`,
  hash: 'h1',
  readAt: 1_700_000_000.5,
  ...more,
});
export const passage = (id: string, text: string, headings: readonly string[] = []): PassageWithTerms => ({
  id,
  text,
  headings,
  titleTerms: termsOf(headings.join(' '), undefined).join(' '),
  bodyTerms: termsOf(text, undefined).join(' '),
});
export const word = (...forms: string[]) => ({ forms });
export const ids = (hits: readonly { id: string }[]): string[] => hits.map(({ id }) => id);
const vector = (...numbers: number[]) => Float32Array.from(numbers);

/** What every index of documents must do. @param open Opens an empty one, which the caller closes. */
export const describeIndex = (name: string, open: () => Promise<DocumentIndex>): void => {
  describe(name, () => {
    let index: DocumentIndex;
    beforeEach(async () => {
      index = await open();
    });

    it('keeps a source with all that is known of it', async () => {
      const whole = source('a', {
        kind: 'page',
        url: 'https://shop.example/a',
        language: 'de',
        etag: '"1"',
        foundBy: 'https://shop.example/',
        note: 'only half was read',
      });
      expect(await index.put(whole, [passage('p1', 'one'), passage('p2', 'two')])).toEqual({
        added: 2,
        kept: 0,
        removed: 0,
      });
      await index.put(source('b'), []);
      expect(await index.sources()).toEqual([
        { ...whole, passages: 2 },
        { ...source('b'), passages: 0 },
      ]);
      await index.touch({ ...whole, etag: '"2"', readAt: 5 });
      expect((await index.sources())[0]).toMatchObject({ etag: '"2"', readAt: 5, passages: 2 });
    });

    it('gives passages with their sources, in the order asked for', async () => {
      await index.put(source('a', { url: 'https://shop.example/a', language: 'en' }), [
        { ...passage('p1', 'one', ['Head', 'line']), url: 'https://shop.example/a#x', place: 'page 3' },
        passage('p2', 'two'),
      ]);
      expect(await index.passages(['p2', 'gone', 'p1'])).toEqual([
        expect.objectContaining({ id: 'p2', text: 'two', headings: [] }),
        {
          id: 'p1',
          text: 'one',
          headings: ['Head', 'line'],
          url: 'https://shop.example/a#x',
          place: 'page 3',
          source: {
            id: 'a',
            title: 'Title of a',
            location: 'a.md',
            url: 'https://shop.example/a',
            language: 'en',
          },
        },
      ]);
      expect(await index.passages([])).toEqual([]);
    });

    it('finds passages by any of the words, those with more and rarer ones first', async () => {
      await index.put(source('a'), [
        passage('p1', 'red tent for two'),
        passage('p2', 'blue tent for three'),
        passage('p3', 'red lamp for the tent'),
        passage('p4', 'a lamp for the desk'),
        passage('p5', 'a table for the garden'),
      ]);
      const { total, counts, hits } = await index.byWords([word('blue'), word('tent'), word('nowhere')], 10);
      expect(total).toBe(5);
      expect(counts).toEqual([1, 3, 0]);
      expect(ids(hits)[0]).toBe('p2');
      expect(new Set(ids(hits))).toEqual(new Set(['p1', 'p2', 'p3']));
      expect(hits.every(({ score }, at) => score <= (hits[at - 1]?.score ?? Infinity))).toBe(true);
      expect(ids((await index.byWords([word('tent')], 2)).hits)).toHaveLength(2);
    });

    it('counts a word more in a title than in the text, and more where there is more of it', async () => {
      const rest = 'and some other words that are there to fill the passage up';
      await index.put(source('a'), [
        passage('text', `returns ${rest}`),
        passage('title', rest, ['returns']),
        passage('often', `returns returns returns returns ${rest}`),
        ...Array.from({ length: 8 }, (_, n) => passage(`other${n}`, `number ${n} ${rest}`)),
      ]);
      expect(ids((await index.byWords([word('returns')], 10)).hits)).toEqual(['often', 'title', 'text']);
    });

    it('finds other forms of a word, and words that begin with it', async () => {
      await index.put(source('a'), [
        passage('p1', 'versandkosten'),
        passage('p2', 'versand'),
        passage('p3', 'kosten'),
      ]);
      expect(ids((await index.byWords([{ forms: ['gratis', 'kosten'] }], 10)).hits)).toEqual(['p3']);
      const { hits, counts } = await index.byWords([{ forms: ['versand'], prefix: 'versand' }], 10);
      expect(new Set(ids(hits))).toEqual(new Set(['p1', 'p2']));
      expect(counts).toEqual([1]);
      const { counts: begun } = await index.byWords([{ forms: ['versa'], prefix: 'versa' }], 10);
      expect(begun).toEqual([2]);
    });

    it('finds words of scripts without spaces, and takes no word for an operator', async () => {
      await index.put(source('a'), [
        passage('ja', '送料は無料です'),
        passage('th', 'ค่าจัดส่งฟรี'),
        passage('ops', 'not or and near'),
      ]);
      const find = async (text: string) =>
        ids(
          (
            await index.byWords(
              termsOf(text, undefined).map((term) => word(term)),
              10,
            )
          ).hits,
        );
      expect(await find('送料')).toEqual(['ja']);
      expect(await find('จัดส่ง')).toEqual(['th']);
      expect(await find('NOT OR')).toEqual(['ops']);
      expect(await find('it\'s "quoted" & (odd)* :x \\ ^')).toEqual([]);
    });

    it('finds nothing for no word, and in an empty index', async () => {
      expect(await index.byWords([word('tent')], 10)).toEqual({ total: 0, counts: [0], hits: [] });
      expect(await index.byWords([], 10)).toEqual({ total: 0, counts: [], hits: [] });
    });

    describeCrowd(() => index);

    it('knows which terms there are, and in which languages', async () => {
      await index.put(source('a', { language: 'en' }), [passage('p1', 'red tent')]);
      await index.put(source('b', { language: 'de' }), []);
      await index.put(source('c', { language: 'de' }), []);
      await index.put(source('d'), []);
      await index.put(source('e'), []);
      await index.put(source('f'), []);
      expect(new Set(await index.knownTerms(['tent', 'lamp', 'red']))).toEqual(new Set(['tent', 'red']));
      expect(await index.languages()).toEqual(['', 'de', 'en']);
    });

    it('keeps passages that did not change, with their vectors, and forgets the others', async () => {
      await index.put(source('a'), [passage('p1', 'one'), passage('p2', 'two')]);
      await index.put(source('b'), [passage('q1', 'two')]);
      await index.putVectors(
        'm',
        ['p1', 'p2', 'q1', 'gone'].map((id) => ({ id, vector: vector(1, 2) })),
      );
      const changes = await index.put(source('a', { hash: 'h2' }), [
        passage('p3', 'three'),
        passage('p1', 'one'),
      ]);
      expect(changes).toEqual({ added: 1, kept: 1, removed: 1 });
      expect(ids(await index.vectors('m', 0, 10))).toEqual(['p1', 'q1']);
      expect(ids((await index.byWords([word('two')], 10)).hits)).toEqual(['q1']);
      expect(ids((await index.byWords([word('three')], 10)).hits)).toEqual(['p3']);
      expect(ids(await index.unembedded('m', 10))).toEqual(['p3']);
    });

    it('finds the passages of a source by its new title', async () => {
      await index.put(source('a'), [{ ...passage('p1', 'one'), titleTerms: 'old' }]);
      await index.put(source('a', { title: 'New' }), [{ ...passage('p1', 'one'), titleTerms: 'new' }]);
      expect(ids((await index.byWords([word('old')], 10)).hits)).toEqual([]);
      expect(ids((await index.byWords([word('new')], 10)).hits)).toEqual(['p1']);
    });

    it('removes a source with all that belongs to it', async () => {
      await index.put(source('a'), [passage('p1', 'one')]);
      await index.put(source('b'), [passage('q1', 'one')]);
      await index.putVectors('m', [{ id: 'p1', vector: vector(1) }]);
      expect(await index.remove('a')).toBe(true);
      expect(await index.remove('a')).toBe(false);
      expect((await index.sources()).map(({ id }) => id)).toEqual(['b']);
      expect(ids((await index.byWords([word('one')], 10)).hits)).toEqual(['q1']);
      expect(await index.models()).toEqual([]);
    });

    it('keeps vectors of several models, and gives those that are new', async () => {
      await index.put(source('a', { title: 'Shop' }), [
        passage('p1', 'one', ['Shop', 'Head']),
        passage('p2', 'two'),
      ]);
      expect(await index.unembedded('m', 1)).toEqual([{ id: 'p1', text: 'Shop\nHead\none' }]);
      await index.putVectors('m', [{ id: 'p2', vector: vector(0.25, -1.5) }]);
      await index.putVectors('n', [{ id: 'p1', vector: vector(1) }]);
      const [first] = await index.vectors('m', 0, 10);
      expect(first).toMatchObject({ id: 'p2', vector: vector(0.25, -1.5) });
      await index.putVectors('m', [{ id: 'p1', vector: vector(3, 4) }]);
      expect(ids(await index.vectors('m', first?.seq ?? 0, 10))).toEqual(['p1']);
      expect(await index.models()).toEqual([
        { model: 'm', vectors: 2 },
        { model: 'n', vectors: 1 },
      ]);
      await index.dropModel('m');
      expect(await index.models()).toEqual([{ model: 'n', vectors: 1 }]);
    });

    it('counts its changes', async () => {
      const versions = [await index.version()];
      await index.put(source('a'), [passage('p1', 'one')]);
      versions.push(await index.version());
      await index.putVectors('m', [{ id: 'p1', vector: vector(1) }]);
      versions.push(await index.version());
      await index.remove('a');
      versions.push(await index.version());
      expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    });

    it('takes the same source from two callers at once', async () => {
      const passages = Array.from({ length: 50 }, (_, n) => passage(`p${n}`, `word${n} tent`));
      await Promise.all([1, 2, 3, 4].map(() => index.put(source('a'), passages)));
      const [kept] = await index.sources();
      expect(kept?.passages).toBe(50);
      expect((await index.byWords([word('tent')], 100)).total).toBe(50);
    });

    it('keeps any text as it is', async () => {
      const odd = 'quotes \' " \\ ; -- $1 %s emoji 🎪 & <b> \u0001\u{10FFFF}';
      await index.put(source('a', { title: odd, location: odd }), [passage('p1', odd, [odd])]);
      expect(await index.passages(['p1'])).toMatchObject([
        { text: odd, headings: [odd], source: { title: odd } },
      ]);
    });
  });
};
