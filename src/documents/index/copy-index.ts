import { termsOf } from '../text/terms.ts';
import type { DocumentIndex } from './index-port.ts';

/** Vectors that are copied at a time. */
const PAGE = 200;

/** What was copied. */
export interface CopiedIndex {
  readonly sources: number;
  readonly passages: number;
  readonly vectors: number;
}

/**
 * Copies all of an index into another one: sources, passages under the same ids, and vectors, so that nothing need be
 * read or embedded again. May be done again: what is there stays as it is.
 * @throws Error where the other index does not have all of it afterwards.
 */
export const copyIndex = async (from: DocumentIndex, to: DocumentIndex): Promise<CopiedIndex> => {
  const sources = await from.sources();
  let passages = 0;
  for (const { passages: _, ...source } of sources) {
    const own = await from.passagesOf(source.id);
    await to.put(
      source,
      own.map(({ source: { title, language }, ...passage }) => ({
        ...passage,
        titleTerms: termsOf([...new Set([title, ...passage.headings])].join(' '), language).join(' '),
        bodyTerms: termsOf(passage.text, language).join(' '),
      })),
    );
    passages += own.length;
  }
  let vectors = 0;
  for (const { model } of await from.models()) {
    let after = 0;
    for (;;) {
      const page = await from.vectors(model, after, PAGE);
      await to.putVectors(model, page);
      vectors += page.length;
      after = page.at(-1)?.seq ?? after;
      if (page.length < PAGE) break;
    }
  }
  const there = await to.sources();
  const arrived = there.reduce((sum, source) => sum + source.passages, 0);
  if (there.length < sources.length || arrived < passages) {
    throw new Error(`of ${passages} passages of documents ${arrived} have arrived`);
  }
  return { sources: sources.length, passages, vectors };
};
