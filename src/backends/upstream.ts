import { APIConnectionError, APIConnectionTimeoutError, APIError, OpenAI } from 'openai';
import { upstreamTimeout } from '../errors.ts';
import { PageInstead, readMessages, type StreamMessage } from './event-stream.ts';
import { type Answer, type HttpClient, headersOf } from './http-client.ts';
import { fields, text } from './lenient.ts';
import type { RefusedParameters } from './refused-parameters.ts';
import { withProvidersWords } from './upstream-fault.ts';

/** How an upstream is reached. */
export interface UpstreamOptions {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** One for all upstreams: connections are reused. */
  readonly http: HttpClient;
  /** Longest wait for the headers, in milliseconds; absent: the turn's own end. */
  readonly headersTimeout?: number;
}

/** The longest time that a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The SDK's client, without its own retries (retry.ts), its timeouts (the turn's signal) and its console. */
export const createClient = ({ baseUrl, apiKey, http, headersTimeout }: UpstreamOptions): OpenAI =>
  new OpenAI({
    baseURL: baseUrl,
    // Many self-hosted servers want no key; the SDK insists on one.
    apiKey: apiKey ?? 'none',
    // Else the SDK takes these from the environment, and tells them to any server.
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    maxRetries: 0,
    fetch: http.fetch,
    timeout: headersTimeout ?? LONGEST_TIMER_MS,
    logLevel: 'off',
  });

/** A call whose answer is streamed, in the words of the SDK's own types. */
export interface StreamCall {
  /** Below the base URL: `/responses`. */
  readonly path: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names of events that are of no use. */
  readonly ignored?: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** An answer as it comes. */
export interface AnswerStream extends AsyncIterable<readonly StreamMessage[]> {
  /** All that is needed was heard: what is left may take a moment only, and its failure is ignored. */
  nearlyOver(): void;
}

/** Makes the streaming calls of an upstream. */
export type OpenStream = (call: StreamCall) => AnswerStream;

interface StreamingOptions extends UpstreamOptions {
  /** Longest silence of the upstream after its headers, in milliseconds. */
  readonly idleTimeout: number;
  readonly refused: RefusedParameters;
}

/** How long an upstream may take to close an answer after its final event. */
const LAST_WORDS_MS = 2_000;

/**
 * Makes the streaming run call itself, with the project's own HTTP client: the SDK's call and the objects of `fetch` cost
 * as much as all else that a message costs here. Errors are the SDK's, so that they read the same as those of its calls.
 *
 * What the stream throws: the SDK's errors, AppError `upstream_timeout` after too long a silence, the signal's reason,
 * PageInstead, SyntaxError for broken JSON, TypeError for a connection that was cut.
 */
export const createOpenStream = (client: OpenAI, options: StreamingOptions): OpenStream => {
  const { http, idleTimeout, headersTimeout, refused } = options;
  const common = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    'user-agent': 'thread-proxy',
    ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
  };
  const urls = new Map<string, URL>();
  const urlOf = (path: string): URL => {
    const known = urls.get(path) ?? new URL(client.buildURL(path, null));
    if (urls.size < 100) urls.set(path, known);
    return known;
  };

  return ({ path, body, headers = {}, ignored, signal }) => {
    let isNearlyOver = false;
    let whenNearlyOver: (() => void) | undefined;

    async function* messages(): AsyncIterable<readonly StreamMessage[]> {
      let sent = refused.without({ ...body });
      for (;;) {
        try {
          yield* attempt(sent);
          return;
        } catch (thrown) {
          if (!refused.learn(thrown, sent)) throw thrown;
          sent = refused.without({ ...body });
        }
      }
    }

    async function* attempt(sent: object): AsyncIterable<readonly StreamMessage[]> {
      signal.throwIfAborted();
      const call = http.call(urlOf(path), {
        headers: { ...common, ...headers },
        body: JSON.stringify(sent),
      });
      let reason: unknown;
      const end = (why: unknown) => {
        reason ??= why;
        call.abort();
      };
      const abort = () => end(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      let timer =
        headersTimeout === undefined
          ? undefined
          : setTimeout(() => end(new APIConnectionTimeoutError()), headersTimeout);
      try {
        const answer = await call.answer.catch((cause: unknown) => {
          throw new APIConnectionError({
            cause: cause instanceof Error ? cause : new Error('no connection'),
          });
        });
        clearTimeout(timer);
        timer = setTimeout(() => {
          end(upstreamTimeout({ cause: new Error(`silent for ${idleTimeout} ms mid-stream`) }));
        }, idleTimeout);
        if (answer.status < 200 || answer.status >= 300)
          throw Object.assign(await refusalOf(answer), { path });
        whenNearlyOver = () => {
          clearTimeout(timer);
          timer = setTimeout(() => end(undefined), LAST_WORDS_MS);
        };
        if (isNearlyOver) whenNearlyOver();
        yield* readMessages(answer.body, {
          ...(ignored ? { ignored } : {}),
          onChunk: () => {
            if (!isNearlyOver) timer?.refresh();
          },
        });
      } catch (thrown) {
        call.abort();
        signal.throwIfAborted();
        if (isNearlyOver) return;
        throw reason ?? (thrown instanceof PageInstead ? Object.assign(thrown, { path }) : thrown);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      }
    }

    return {
      [Symbol.asyncIterator]: () => messages()[Symbol.asyncIterator](),
      nearlyOver: () => {
        if (isNearlyOver) return;
        isNearlyOver = true;
        whenNearlyOver?.();
      },
    };
  };
};

/** How much of a refusal is read, in characters. */
const MAX_REFUSAL_CHARS = 64 * 1024;

/** The SDK's error of an answer that is none, with what the server says of it in whatever form. */
const refusalOf = async ({ status, headers, body }: Answer): Promise<Error> => {
  let said = '';
  try {
    for await (const piece of body.setEncoding('utf8')) {
      said += String(piece);
      if (said.length >= MAX_REFUSAL_CHARS) break;
    }
  } catch {
    // What came of it has to do.
  }
  return APIError.generate(status, { error: errorIn(said) }, undefined, headersOf(headers));
};

/** OpenAI's `error` object of `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}` or any other text. */
const errorIn = (said: string): object => {
  let read: unknown;
  try {
    read = JSON.parse(said);
  } catch {
    return {
      message: said.slice(0, 2_000) || 'no body',
      ...(said.trimStart().startsWith('<') ? { type: 'web_page' } : {}),
    };
  }
  const [whole] = Array.isArray(read) ? read : [read];
  const inner = fields(whole).error;
  const given = typeof inner === 'object' ? { ...fields(whole), ...fields(inner) } : fields(whole);
  const message = text(given.message) ?? text(inner) ?? text(given.detail) ?? said.slice(0, 2_000);
  return { ...given, message: withProvidersWords(message, given), type: given.type ?? given.error_type };
};
