import type { createAnswerFilters } from './answer-text.ts';
import { type Citable, citedIn, createCitations } from './citations.ts';
import type { Source } from './model.ts';

/** An answer on its way to the visitor: without providers' markers, its citations numbered. */
export interface CitedAnswer {
  /** A model is asked, from now on. */
  from(model: string): void;
  /** Takes the next piece. @returns What can be shown by now. */
  push(piece: string): string;
  /** Cites what the upstream found. @returns What is shown of it. */
  cite(found: Citable): string;
  /** @returns What was held back. */
  end(): string;
  /** What the answer cites so far; absent where nothing. */
  sources(): { sources?: readonly Source[] };
  /** The whole answer for the record. @param said What was shown. */
  whole(said: string): { text: string; sources?: readonly Source[] };
}

const some = (sources: readonly Source[]): { sources?: readonly Source[] } =>
  sources.length > 0 ? { sources } : {};

/** @param citable What the run was told, in the order of its numbers. */
export const createCitedAnswer = (
  newFilter: ReturnType<typeof createAnswerFilters>,
  citable: readonly Citable[],
): CitedAnswer => {
  const citations = createCitations(citable);
  let filter = newFilter('');
  return {
    from: (model) => {
      filter = newFilter(model);
    },
    push: (piece) => citations.push(filter.push(piece)),
    cite: (found) => citations.cite(found),
    end: () => citations.push(filter.end()) + citations.end(),
    sources: () => some(citations.sources()),
    whole: (said) => {
      const corrected = filter.corrected();
      if (corrected === undefined) return { text: said, ...some(citations.sources()) };
      const { text, sources } = citedIn(corrected, citable);
      return { text, ...some(sources) };
    },
  };
};
