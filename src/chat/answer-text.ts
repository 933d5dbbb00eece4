import { upstreamFailed, upstreamRejected } from '../errors.ts';
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
