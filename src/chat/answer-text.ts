import { upstreamFailed, upstreamRejected } from '../errors.ts';
import { createMarkerFilter, withoutMarkers } from './answer-markers.ts';
import type { Usage } from './model.ts';

/** At most so many UTF-16 units of a text, and no half of a character at the cut. */
export const cutTo = (units: number, text: string): string =>
  text.length <= units ? text : text.slice(0, units).replace(/[\uD800-\uDBFF]$/, '');

/**
 * What a run that ended makes of its exchange.
 * @throws AppError `upstream_failed`, `upstream_rejected` for one that said nothing
 */
export const complete = (text: string, end: { truncated: boolean; usage?: Usage }) => {
  // A run that says nothing has not answered; cut short before its first word, the upstream would not speak.
  if (text.trim() === '') {
    const cause = new Error('the run ended without a word');
    throw end.truncated ? upstreamRejected({ cause }) : upstreamFailed({ cause });
  }
  return {
    bot: text,
    ...(end.truncated ? { truncated: true as const } : {}),
    ...(end.usage ? { usage: end.usage } : {}),
  };
};

/** A run's text on its way to the visitor. */
export interface AnswerFilter {
  /** Takes the next piece. @returns What can be shown by now. */
  push(piece: string): string;
  /** @returns What was held back. Nothing may be pushed after it. */
  end(): string;
  /** The answer for the record, where it is not what was shown: a thought turned out to be one only at its end. */
  corrected(): string | undefined;
}

const HALF_AT_END = /[\uD800-\uDBFF]$/;

/**
 * Makes filters that remove providers' markers and thoughts, and let only whole characters through: a half at the end
 * of a piece is held back until its other half comes, and a lone one is replaced. They remember which models begin
 * inside a thought.
 */
export const createAnswerFilters = (): ((model: string) => AnswerFilter) => {
  const startInThought = new Set<string>();
  return (model) => {
    const filter = createMarkerFilter({ startsInThought: startInThought.has(model) });
    let raw = '';
    let half = '';
    let showed = false;
    const wellFormed = (text: string, isEnd: boolean): string => {
      const whole = half + text;
      half = isEnd ? '' : (HALF_AT_END.exec(whole)?.[0] ?? '');
      return whole.slice(0, whole.length - half.length).toWellFormed();
    };
    return {
      push: (piece) => {
        const whole = wellFormed(piece, false);
        raw += whole;
        const shown = filter.push(whole);
        showed ||= shown !== '';
        return shown;
      },
      end: () => {
        const rest = wellFormed('', true);
        raw += rest;
        const shown = filter.push(rest) + filter.end();
        if (filter.sawLoneThoughtEnd) startInThought.add(model);
        // All of it was held back for a thought that did not come.
        else if (!showed && shown !== '') startInThought.delete(model);
        return shown;
      },
      corrected: () => (filter.sawLoneThoughtEnd ? withoutMarkers(raw) : undefined),
    };
  };
};
