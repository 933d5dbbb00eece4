import { z } from 'zod';
import { boundedJson } from '../bounded-json.ts';
import type { Logger } from '../chat/ports.ts';

/** How long a visitor waits for a better question. */
const TIMEOUT_MS = 5_000;
/** The longest answer, in bytes. */
const MAX_BYTES = 256 * 1024;
const MAX_CHARS = 400;
const MAX_TOLD = 2_000;

const INSTRUCTIONS = `Rewrite the visitor's last message as one search query that can be understood without the conversation. Keep its language and its names and numbers. Answer with the query alone: no quotes, no explanation.`;

const answer = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish().catch(undefined),
});

export interface RewriteOptions {
  /** Of an OpenAI-compatible API, up to and with `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly model: () => string;
  readonly fetch?: typeof fetch;
  /** Told what each call used, in tokens. */
  readonly onUsage?: (usage: { input: number; output: number }) => void;
  readonly logger: Logger;
}

/** Puts a message that only its conversation explains into words that can be looked for. */
export type Rewrite = (
  message: string,
  previous: { readonly user: string; readonly bot: string | null },
  signal: AbortSignal,
) => Promise<string | undefined>;

/** Asks the model in one short call; where that fails, the message is looked for as it is. */
export const createRewrite = ({
  baseUrl,
  apiKey,
  model,
  fetch: call = fetch,
  onUsage,
  logger,
}: RewriteOptions): Rewrite => {
  const url = `${baseUrl.replace(/\/+$/, '')}/chat/completions`;
  return async (message, previous, signal) => {
    try {
      const said = `Visitor: ${previous.user.slice(-MAX_TOLD)}\nAssistant: ${(previous.bot ?? '').slice(0, MAX_TOLD)}`;
      const response = await call(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({
          model: model(),
          messages: [
            { role: 'system', content: INSTRUCTIONS },
            { role: 'user', content: `${said}\nVisitor's last message: ${message.slice(0, MAX_TOLD)}` },
          ],
        }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`the model answered ${response.status}`);
      }
      const { choices, usage } = answer.parse(await boundedJson(response, MAX_BYTES));
      if (usage) onUsage?.({ input: usage.prompt_tokens, output: usage.completion_tokens });
      const [choice] = choices;
      return choice?.message.content.trim().slice(0, MAX_CHARS) || undefined;
    } catch (thrown) {
      signal.throwIfAborted();
      // The text of a syntax error repeats what the model said.
      const reason = thrown instanceof SyntaxError ? 'no JSON' : String(thrown);
      logger.warn({ reason }, 'a question could not be rewritten; it is searched as it is');
      return undefined;
    }
  };
};
