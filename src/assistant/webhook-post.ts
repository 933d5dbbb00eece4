import { readBounded } from './bounded-text.ts';
import type { WebhookSettings } from './definition.ts';

/** How much of an answer the model is told: enough for a page of text, not for a context of its own. */
const MAX_RESULT_BYTES = 64 * 1024;
const CUT = '\n[cut off: the answer was longer than 64 KiB]';

/** A call that failed: `message` is for the model, `detail` for the log. Neither has URL, secret or arguments. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly detail: string;
  constructor(message: string, detail: string) {
    super(message);
    this.detail = detail;
  }
}

interface HookCall {
  readonly body: string;
  readonly headers: Record<string, string>;
  /** The turn's. */
  readonly turn: AbortSignal;
}

/**
 * Posts a call and reads its result, all within the webhook's time.
 * @throws CallFailed; what is thrown when the turn was aborted means nothing.
 */
export const postToWebhook = async (
  fetch: typeof globalThis.fetch,
  { url, timeoutMs }: WebhookSettings,
  { body, headers, turn }: HookCall,
): Promise<string> => {
  const connection = new AbortController();
  const abort = () => connection.abort();
  turn.addEventListener('abort', abort, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.abort();
  }, timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      // The owner named one URL. What it points to may be anywhere, also inside our network.
      redirect: 'manual',
      signal: connection.signal,
    });
    return await resultOf(response);
  } catch (thrown) {
    if (late) throw new CallFailed('It did not answer in time.', `no answer in ${timeoutMs} ms`);
    if (thrown instanceof CallFailed) throw thrown;
    throw new CallFailed('It cannot be reached.', nameOf(thrown));
  } finally {
    clearTimeout(timer);
    turn.removeEventListener('abort', abort);
    // Ends what was not read of an answer; nothing where all was.
    connection.abort();
  }
};

const resultOf = async (response: Response): Promise<string> => {
  const { status } = response;
  if (status >= 300 && status < 400) {
    throw new CallFailed('It answered with a redirect, which is not followed.', `status ${status}`);
  }
  // The body of an error is not for the model: it may hold a stack trace or an address.
  if (!response.ok) throw new CallFailed(`It failed with status ${status}.`, `status ${status}`);
  const { text, cut } = await readBounded(response.body, MAX_RESULT_BYTES).catch((thrown: unknown) => {
    throw new CallFailed('Its answer broke off.', nameOf(thrown));
  });
  if (cut) return text + CUT;
  return text === '' ? '{"result":null}' : text;
};

/** What kind of error it was. Its message stays out: fetch puts addresses into it. */
export const nameOf = (thrown: unknown): string => {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.name : 'not an error';
};
