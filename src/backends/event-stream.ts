import type { Readable } from 'node:stream';
import { createParser } from 'eventsource-parser';

/** One `data:` of a stream, read as JSON. A plain JSON answer is one message, too. */
export interface StreamMessage {
  readonly event: string | undefined;
  /** Undefined where the message is only {@link DONE}. */
  readonly data: unknown;
}

/** The event that stands for `[DONE]`, and for the end of a plain JSON answer. */
export const DONE = '[DONE]';
const DONE_MESSAGE: StreamMessage = { event: DONE, data: undefined };

/** The upstream answered with a web page: the address leads somewhere else. */
export class PageInstead extends Error {
  override readonly name = 'PageInstead';
}

/** A stream's longest single event, and all of it, in characters: a broken upstream must not fill the memory. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;
const MAX_STREAM_CHARS = 64 * 1024 * 1024;
/** Messages that wait for their reader before the upstream is asked to wait. */
const MAX_QUEUED = 1_000;

/** How long the rest of a stream may take to end by itself, so that its connection can be used again. */
const REST_MS = 1_000;

const NOTHING: ReadonlySet<string> = new Set();

interface ReadOptions {
  /** Names of events that are of no use: they are not even read. */
  readonly ignored?: ReadonlySet<string>;
  /** Called with each piece of the body that arrives. */
  readonly onChunk: () => void;
}

/**
 * Reads an answer's messages, those of one network chunk together, up to {@link DONE} or the end of the body. What kind
 * of answer it is shows in its first character, not in its type: some servers send events as `text/plain`, and some a
 * plain JSON answer although a stream was asked for.
 * @throws PageInstead, SyntaxError for broken JSON, TypeError for a connection that was cut, RangeError.
 */
export async function* readMessages(
  body: Readable,
  { ignored = NOTHING, onChunk }: ReadOptions,
): AsyncIterable<readonly StreamMessage[]> {
  let queue: StreamMessage[] = [];
  let failure: unknown;
  let isOver = false;
  let wake: (() => void) | undefined;
  const over = (thrown?: unknown) => {
    failure ??= isOver ? undefined : thrown;
    isOver = true;
    wake?.();
  };
  const feed = createFeed(ignored, (message) => queue.push(message));
  body.setEncoding('utf8');
  body.on('data', (chunk: string) => {
    if (isOver) return;
    onChunk();
    try {
      feed.push(chunk);
      if (queue.at(-1) === DONE_MESSAGE) over();
    } catch (thrown) {
      over(thrown);
    }
    if (queue.length >= MAX_QUEUED) body.pause();
    if (queue.length > 0) wake?.();
  });
  body.on('end', () => {
    try {
      feed.end();
      over();
    } catch (thrown) {
      over(thrown);
    }
  });
  body.on('error', (cause) => over(new TypeError('terminated', { cause })));
  body.on('close', () => over(new TypeError('terminated')));
  try {
    for (;;) {
      if (queue.length > 0) {
        const batch = queue;
        queue = [];
        body.resume();
        yield batch;
      } else if (failure !== undefined) throw failure;
      else if (isOver) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    isOver = true;
    endSoon(body);
  }
}

/** What is left of a stream that was read to its final event is awaited, so that its connection is used again. */
const endSoon = (body: Readable): void => {
  if (body.readableEnded || body.destroyed) return;
  const timer = setTimeout(() => body.destroy(), REST_MS).unref();
  body.once('close', () => clearTimeout(timer));
  body.resume();
};

interface Feed {
  push(chunk: string): void;
  end(): void;
}

const createFeed = (ignored: ReadonlySet<string>, onMessage: (message: StreamMessage) => void): Feed => {
  let size = 0;
  /** What came before the first character that tells the kind of answer; then the text of a JSON answer. */
  let held = '';
  let kind: 'unknown' | 'events' | 'json' = 'unknown';
  let isAtEnd = false;
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: ({ event, data }) => {
      if (data.trim() === DONE) onMessage(DONE_MESSAGE);
      else if (event !== undefined && ignored.has(event)) return;
      // Empty lines and words such as `: keepalive` are sent as data, too.
      else if (data.trimStart().startsWith('{')) {
        const read = parsed(data);
        if (read !== undefined) onMessage({ event, data: read });
        // The last event was cut off by the end: whether it is missed shows by what came before.
        else if (!isAtEnd) throw new SyntaxError(`an event of ${data.length} characters is not valid JSON`);
      }
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
  const sniff = (chunk: string): void => {
    held += chunk;
    const first = held.trimStart().slice(0, 1);
    if (first === '') return;
    if (first === '<') throw new PageInstead('a web page, not an answer');
    kind = first === '{' ? 'json' : 'events';
    if (kind === 'json') return;
    parser.feed(held);
    held = '';
  };
  return {
    push: (chunk) => {
      size += chunk.length;
      if (size > MAX_STREAM_CHARS) throw new RangeError('the stream is too long');
      if (kind === 'events') parser.feed(chunk);
      else if (kind === 'json') held += chunk;
      else sniff(chunk);
    },
    end: () => {
      isAtEnd = true;
      // Some servers leave out the blank line that ends the last event.
      if (kind === 'events') parser.feed('\n\n');
      if (kind !== 'json') return;
      // Trimmed of a byte order mark, too.
      const read = parsed(held.trim());
      if (read === undefined)
        throw new SyntaxError(`an answer of ${held.length} characters is not valid JSON`);
      onMessage({ event: undefined, data: read });
      onMessage(DONE_MESSAGE);
    },
  };
};

/** JSON, or undefined. Not the engine's own error: it repeats the text, which may be what a visitor wrote. */
const parsed = (data: string): unknown => {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
};
