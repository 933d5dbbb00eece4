import type { ChatAnswer, HistoryAnswer, HistoryExchange, Source } from '../protocol/chat.ts';

/** Reads what came over the wire. It is ours, but proxies and other versions are between: what does not fit is left out. */

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const parseJson = (text: string): Record<string, unknown> => {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return {};
  }
};

const readSources = (value: unknown): Source[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((one) => {
    const { n, title, url, place } = fieldsOf(one);
    if (typeof n !== 'number' || typeof title !== 'string') return [];
    return [{ n, title, url: textOf(url), place: textOf(place) }];
  });
};

/** Undefined where it is no answer. */
export const readAnswer = (fields: Record<string, unknown>): ChatAnswer | undefined => {
  const { answer, id, session_token, truncated, sources } = fields;
  if (typeof answer !== 'string' || typeof id !== 'string') return undefined;
  return {
    answer,
    id,
    session_token: textOf(session_token),
    truncated: truncated === true ? true : undefined,
    sources: readSources(sources),
  };
};

/** What is refused, and why. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

export const readFailure = (fields: Record<string, unknown>): Failure => {
  const { code, message } = fieldsOf(fields.error);
  return { code: textOf(code) ?? 'unknown', message: textOf(message) ?? '' };
};

const readExchange = (value: unknown): HistoryExchange[] => {
  const { id, user, bot, timestamp, error, truncated, sources, feedback } = fieldsOf(value);
  const { rating } = fieldsOf(feedback);
  if (typeof id !== 'string' || typeof user !== 'string') return [];
  return [
    {
      id,
      user,
      bot: textOf(bot) ?? null,
      timestamp: typeof timestamp === 'number' ? timestamp : 0,
      error: textOf(error),
      truncated: truncated === true ? true : undefined,
      sources: readSources(sources),
      feedback: rating === 'up' || rating === 'down' ? { rating } : undefined,
    },
  ];
};

export const readHistory = (fields: Record<string, unknown>): HistoryAnswer => ({
  history: Array.isArray(fields.history) ? fields.history.flatMap(readExchange) : [],
  before: textOf(fields.before),
});

/** What a session token says of itself. It is not checked here: the service does that. */
export const readToken = (token: string): { begin: number; end: number; visitor: string } | undefined => {
  try {
    const part = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const { iat, exp, sub, sid } = parseJson(atob(part));
    if (typeof iat !== 'number' || typeof exp !== 'number') return undefined;
    return { begin: iat * 1000, end: exp * 1000, visitor: textOf(sub) ?? textOf(sid) ?? '' };
  } catch {
    return undefined;
  }
};
