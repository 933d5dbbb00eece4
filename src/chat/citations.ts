import { createCodeSpans } from './code-spans.ts';
import type { Source } from './model.ts';

/** A document that an answer may cite. */
export type Citable = Omit<Source, 'n'>;

/** The citations of one answer: which numbers it marks, and what they stand for. */
export interface Citations {
  /** Takes a piece of the answer. @returns What can be shown by now; a marker that may be going on is held back. */
  push(piece: string): string;
  /** @returns What was held back. */
  end(): string;
  /** Cites what the upstream itself found. @returns The marker to show. */
  cite(found: Citable): string;
  /** What the answer cites, by number. */
  sources(): readonly Source[];
}

/** `[1]`, `[1, 2]`, `[1–3]`, with the space before it, which goes where the marker goes. */
const MARKER = /^ ?\[\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3}){0,9}\s*\]/;
const MARKER_BEGUN = /^ ?(?:\[[\d\s,;–-]{0,60})?$/;
const MAX_RANGE = 10;

/** The numbers that a marker names. */
const numbersIn = (marker: string): number[] =>
  [...marker.matchAll(/(\d+)(?:\s*[–-]\s*(\d+))?/g)].flatMap(([, from = '', to]) => {
    const first = Number(from);
    const length = Math.min(MAX_RANGE, Math.max(1, to === undefined ? 1 : Number(to) - first + 1));
    return Array.from({ length }, (_, at) => first + at);
  });

const keyOf = ({ title, url, place }: Citable): string => JSON.stringify([title, url ?? null, place ?? null]);

/**
 * Numbers what an answer cites anew, from 1 in the order in which it does, and removes markers that name nothing.
 * Code is left as it is.
 * @param citable What the run was told, in the order of its numbers. Without any, the text is no matter of ours.
 */
export const createCitations = (citable: readonly Citable[]): Citations => {
  const cited = new Map<string, Source>();
  let held = '';
  const code = createCodeSpans();

  const numberOf = (found: Citable): number => {
    const known = cited.get(keyOf(found));
    if (known) return known.n;
    const n = cited.size + 1;
    const { title, url, place } = found;
    cited.set(keyOf(found), {
      n,
      title,
      ...(url === undefined ? {} : { url }),
      ...(place === undefined ? {} : { place }),
    });
    return n;
  };

  const renumbered = (marker: string): string => {
    const named = numbersIn(marker)
      .map((n) => citable[n - 1])
      .filter((one) => one !== undefined);
    const numbers = [...new Set(named.map(numberOf))];
    if (numbers.length === 0) return '';
    return (marker.startsWith(' ') ? ' ' : '') + numbers.map((n) => `[${n}]`).join('');
  };

  const drain = (isEnd: boolean): string => {
    let shown = '';
    while (held !== '') {
      const [character = ''] = held;
      if ((character === ' ' || character === '[') && !code.isCode()) {
        const marker = MARKER.exec(held)?.[0];
        if (marker !== undefined) {
          shown += renumbered(marker);
          held = held.slice(marker.length);
          code.follow(']');
          continue;
        }
        if (!isEnd && MARKER_BEGUN.test(held)) break;
      }
      code.follow(character);
      shown += character;
      held = held.slice(1);
    }
    return shown;
  };

  return {
    push: (piece) => {
      if (citable.length === 0) return piece;
      held += piece;
      return drain(false);
    },
    end: () => drain(true),
    cite: (found) => {
      const before = drain(true);
      return `${before}[${numberOf(found)}]`;
    },
    sources: () => [...cited.values()],
  };
};

/** The same for a whole answer. */
export const citedIn = (
  answer: string,
  citable: readonly Citable[],
): { text: string; sources: readonly Source[] } => {
  const citations = createCitations(citable);
  const text = citations.push(answer) + citations.end();
  return { text, sources: citations.sources() };
};
