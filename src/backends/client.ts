import { createParser } from 'eventsource-parser';
import { APIUserAbortError, OpenAI } from 'openai';
import { upstreamTimeout } from '../errors.ts';
import { createHttpFetch } from './http-fetch.ts';

/** How an upstream is reached. */
export interface UpstreamOptions {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** Longest silence of the upstream after its headers, in milliseconds. */
  readonly idleTimeout: number;
  /** Longest wait for the headers, in milliseconds; absent: the turn's own end. */
  readonly headersTimeout?: number;
}

/** A stream's longest single event, and all of it, in characters: a broken upstream must not fill the memory. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;
const MAX_STREAM_CHARS = 64 * 1024 * 1024;

/** One for all clients: connections are kept between calls. */
const httpFetch = createHttpFetch();

/** The longest time that a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The SDK's client, without its own retries (retry.ts), its timeouts (the turn's signal) and its console. */
export const createClient = ({ baseUrl, apiKey, headersTimeout }: UpstreamOptions): OpenAI =>
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
    fetch: httpFetch,
    timeout: headersTimeout ?? LONGEST_TIMER_MS,
    logLevel: 'off',
  });

/** One `data:` of a stream, read as JSON. */
export interface StreamMessage {
  readonly event: string | undefined;
  readonly data: unknown;
}

interface StreamOptions {
  readonly signal: AbortSignal;
  /** Longest silence, in milliseconds. */
  readonly idleTimeout: number;
  /** Names of events that are of no use: they are not even read. */
  readonly ignored?: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();

/** The part of the SDK's promise that is used: the raw response after its typed errors. */
interface Call {
  asResponse(): Promise<Response>;
}

/** How long the rest of a stream may take to end by itself, so that its connection can be used again. */
const REST_MS = 1_000;

/**
 * Makes a streaming call and yields its messages, those of one network chunk together; `[DONE]` ends it.
 * The SDK makes the call, a lean parser reads the stream: half the cost of the SDK's own decoder.
 * @throws The SDK's errors, AppError `upstream_timeout` after too long a silence, the signal's reason,
 *   SyntaxError for broken JSON, TypeError for a connection that was cut.
 */
export async function* streamMessages(
  call: (signal: AbortSignal) => Call,
  { signal, idleTimeout, ignored = NOTHING }: StreamOptions,
): AsyncIterable<readonly StreamMessage[]> {
  const connection = new AbortController();
  const abort = () => connection.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  let idle: NodeJS.Timeout | undefined;
  try {
    const response = await call(connection.signal).asResponse();
    const type = response.headers.get('content-type') ?? '';
    if (!response.body || !/^text\/event-stream\b/i.test(type)) {
      throw new SyntaxError(`expected an event stream, got ${JSON.stringify(type.slice(0, 100))}`);
    }
    idle = setTimeout(() => {
      connection.abort(upstreamTimeout({ cause: new Error(`silent for ${idleTimeout} ms mid-stream`) }));
    }, idleTimeout);
    yield* decode(response.body, ignored, () => idle?.refresh());
  } catch (thrown) {
    const reason: unknown = connection.signal.aborted ? connection.signal.reason : thrown;
    connection.abort();
    if (reason instanceof APIUserAbortError) throw new TypeError('the call was aborted', { cause: reason });
    throw reason;
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', abort);
  }
}

async function* decode(body: ReadableStream<Uint8Array>, ignored: ReadonlySet<string>, onChunk: () => void) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let messages: StreamMessage[] = [];
  let saidDone = false;
  let size = 0;
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: ({ event, data }) => {
      if (data === '[DONE]') saidDone = true;
      else if (!event || !ignored.has(event)) messages.push({ event, data: parsed(data) });
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      onChunk();
      const text = decoder.decode(value, { stream: true });
      size += text.length;
      if (size > MAX_STREAM_CHARS) throw new RangeError('the stream is too long');
      parser.feed(text);
      if (messages.length > 0) yield messages;
      if (saidDone) return;
      messages = [];
    }
  } finally {
    if (!ended) void readRest(reader);
  }
}

/** JSON, or an error that does not repeat it, as the engine's own does: it may be what a visitor wrote. */
const parsed = (data: string): unknown => {
  try {
    return JSON.parse(data);
  } catch {
    throw new SyntaxError(`an event of ${data.length} characters is not valid JSON`);
  }
};

/**
 * Reads what is left of a stream that was heard to its final event, so that its connection is used again;
 * one that does not end in a moment is closed.
 */
const readRest = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> => {
  const close = () => reader.cancel().catch(() => undefined);
  const timer = setTimeout(close, REST_MS).unref();
  try {
    while (!(await reader.read()).done);
  } catch {
    // It was cut; there is nothing left to save.
  } finally {
    clearTimeout(timer);
  }
};
