import { z } from 'zod';
import { boundedJson } from '../bounded-json.ts';
import type { Logger } from '../chat/ports.ts';
import { upstreamFailed } from '../errors.ts';

/** The longest wait for a judgement, in milliseconds: a visitor waits, too. */
const TIMEOUT_MS = 5_000;
/** The longest judgement, in bytes. */
const MAX_BYTES = 64 * 1024;

/** What a flagged message is answered with, where the owner sets nothing else. */
export const REFUSAL = 'I am sorry, but I cannot help with this. Is there anything else I can do for you?';

const openaiAnswer = z.object({
  results: z
    .array(z.object({ flagged: z.boolean(), categories: z.record(z.string(), z.boolean().nullable()) }))
    .min(1),
});
const webhookAnswer = z.object({
  flagged: z.boolean(),
  categories: z.array(z.string().max(100)).max(20).optional(),
});

/** Who judges: OpenAI's moderation, or the owner's own server. */
export type Judge =
  | { readonly kind: 'openai'; readonly baseUrl: string; readonly apiKey: string }
  | {
      readonly kind: 'webhook';
      readonly url: string;
      /** Headers that prove that it is we who ask. */
      readonly sign: ((body: string) => Record<string, string>) | undefined;
    };

export interface ModerationDeps {
  readonly judge: Judge;
  /** What becomes of a message that could not be judged. */
  readonly onFailure: 'open' | 'closed';
  readonly refusal: () => string;
  readonly fetch: typeof fetch;
  readonly logger: Logger;
}

/**
 * Judges messages before a run is spent on them.
 * @returns Why a message is refused, and what its visitor is told; undefined: it may run.
 * @throws AppError `upstream_failed` where it could not be judged and must not run then; the signal's reason.
 */
export const createModeration =
  ({ judge, onFailure, refusal, fetch, logger }: ModerationDeps) =>
  async (message: string, signal: AbortSignal) => {
    try {
      const flagged = await categoriesOf(judge, message, fetch, signal);
      return flagged && { flagged, answer: refusal() };
    } catch (thrown) {
      signal.throwIfAborted();
      logger.warn(
        { why: thrown instanceof Error ? thrown.name : 'unknown', fails: onFailure },
        'moderation failed',
      );
      if (onFailure === 'open') return undefined;
      throw upstreamFailed({ cause: new Error('moderation failed') });
    }
  };

const categoriesOf = async (
  judge: Judge,
  message: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> => {
  const body = JSON.stringify(judge.kind === 'openai' ? { input: message } : { message });
  const [url, headers] =
    judge.kind === 'openai'
      ? [`${judge.baseUrl}/moderations`, { authorization: `Bearer ${judge.apiKey}` }]
      : [judge.url, judge.sign?.(body) ?? {}];
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const answer = await boundedJson(response, MAX_BYTES);
  if (judge.kind === 'webhook') {
    const { flagged, categories = [] } = webhookAnswer.parse(answer);
    return flagged ? named(categories) : undefined;
  }
  const [result] = openaiAnswer.parse(answer).results;
  if (!result?.flagged) return undefined;
  return named(Object.keys(result.categories).filter((name) => result.categories[name]));
};

/** Without a category there is still one: that it was flagged. */
const named = (categories: readonly string[]): readonly string[] =>
  categories.length > 0 ? categories : ['flagged'];
