import { expect, it } from 'vitest';
import type { DocumentIndex } from '../../src/documents/index/index-port.ts';
import { ids, passage, source, word } from './index-contract.ts';

/** What an index of thousands of passages must do, as a part of the contract. */
export const describeCrowd = (current: () => DocumentIndex): void => {
  it('finds the best passages also where frequent words of a question find thousands', async () => {
    const index = current();
    const many = Array.from({ length: 4_000 }, (_, n) => passage(`p${n}`, `tent number${n}`));
    const strong = Array.from({ length: 9 }, (_, n) => passage(`s${n}`, 'tent tent tent'));
    await index.put(source('a'), [...many, ...strong, passage('rare', 'the zipper of a tent')]);
    const lone = await index.byWords([word('zipper'), word('tent')], 50);
    expect(lone.counts).toEqual([1, 4_010]);
    expect(ids(lone.hits)[0]).toBe('rare');
    expect(ids(lone.hits).slice(1, 10).toSorted()).toEqual(strong.map(({ id }) => id));
    await index.put(
      source('b'),
      Array.from({ length: 60 }, (_, n) => passage(`z${n}`, `zipper tent number${n}`)),
    );
    const crowd = await index.byWords([word('zipper'), word('tent')], 50);
    expect(crowd.counts).toEqual([61, 4_070]);
    expect(ids(crowd.hits).filter((id) => !/^z/.test(id))).toEqual([]);
    await index.remove('b');
    await index.put(source('a', { hash: 'h2' }), [passage('rare', 'the zipper of a tent')]);
    const { counts } = await index.byWords([word('zipper'), word('tent'), word('number7')], 50);
    expect(counts).toEqual([1, 1, 0]);
    expect(await index.knownTerms(['number7', 'tent'])).toEqual(['tent']);
  });
};
