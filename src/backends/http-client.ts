import http, { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip, createZstdDecompress, constants as zlib } from 'node:zlib';

/** Proxies for outgoing calls, in the words of the environment. */
export interface Proxies {
  readonly HTTP_PROXY?: string | undefined;
  readonly HTTPS_PROXY?: string | undefined;
  /** Hosts that are called directly, comma-separated. */
  readonly NO_PROXY?: string | undefined;
}

/** What a call sends. */
export interface Outgoing {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | undefined;
}

/** A call in flight. */
export interface Call {
  /** Its answer once the headers are there. @throws TypeError where there is no connection, as `fetch` does. */
  readonly answer: Promise<Answer>;
  /** Ends the call, whatever its state, and closes its connection. */
  abort(): void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headersDistinct'];
  /** The decompressed body. One that breaks off ends in an error, or is closed without its end. */
  readonly body: Readable;
}

/** Node's own HTTP client, for calls to upstreams and webhooks. */
export interface HttpClient {
  call(url: URL, outgoing: Outgoing): Call;
  /** The same in the form of `fetch`, with a body of text. Redirects are not followed: the key must not go elsewhere. */
  readonly fetch: typeof fetch;
  /** Closes idle connections. */
  close(): void;
}

/**
 * Makes a client that keeps its connections between calls. The built-in `fetch` costs more than twice as much a call,
 * and it is most of what a message costs here.
 */
export const createHttpClient = (proxies: Proxies = {}): HttpClient => {
  const proxyEnv = Object.fromEntries(Object.entries(proxies).filter(([, value]) => value));
  const options = {
    keepAlive: true,
    scheduling: 'lifo' as const,
    ...(Object.keys(proxyEnv).length > 0 ? { proxyEnv } : {}),
  };
  const plain = new http.Agent(options);
  const secure = new https.Agent(options);

  const call = (url: URL, { method = 'POST', headers = {}, body }: Outgoing): Call => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const sent: OutgoingHttpHeaders = { 'accept-encoding': 'identity', ...headers };
    if (body !== undefined) sent['content-length'] = Buffer.byteLength(body);
    const request: ClientRequest =
      url.protocol === 'https:'
        ? https.request(url, { method, headers: sent, agent: secure })
        : http.request(url, { method, headers: sent, agent: plain });
    request.on('response', (incoming) => {
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headersDistinct,
        body: decompressed(incoming),
      });
    });
    request.on('error', (cause) => reject(new TypeError('fetch failed', { cause })));
    // One that is answered with another protocol (101) ends without an error, and without an answer.
    request.on('close', () => reject(new TypeError('fetch failed')));
    request.end(body);
    return { answer: promise, abort: () => void request.destroy() };
  };

  return {
    call,
    fetch: async (input, init = {}) => {
      const { signal, method = 'GET' } = init;
      signal?.throwIfAborted();
      const body = init.body ?? undefined;
      if (body !== undefined && typeof body !== 'string') throw new TypeError('only a body of text is sent');
      const headers = Object.fromEntries(new Headers(init.headers));
      const made = call(new URL(input instanceof Request ? input.url : input), { method, headers, body });
      const abort = () => made.abort();
      signal?.addEventListener('abort', abort, { once: true });
      const done = () => signal?.removeEventListener('abort', abort);
      try {
        return toResponse(await made.answer, made.abort, done);
      } catch (thrown) {
        done();
        // What is no `Response`, such as a status of 600, would keep its connection.
        made.abort();
        throw signal?.aborted ? signal.reason : thrown;
      }
    },
    close: () => {
      plain.destroy();
      secure.destroy();
    },
  };
};

const WITHOUT_BODY = new Set([204, 205, 304]);

/** Some servers compress although they were asked not to. */
const decompressed = (incoming: IncomingMessage): Readable => {
  // A decoder takes no bytes for cut ones, and nobody reads what could tell.
  if (WITHOUT_BODY.has(incoming.statusCode ?? 0)) return incoming;
  // A stream is read as far as it has come, so that a cut one is not an error of its own.
  const flush = { flush: zlib.Z_SYNC_FLUSH, finishFlush: zlib.Z_SYNC_FLUSH };
  const coding = incoming.headers['content-encoding']?.trim().toLowerCase();
  const decoder =
    coding === 'gzip' || coding === 'x-gzip' || coding === 'deflate'
      ? createUnzip(flush)
      : coding === 'br'
        ? createBrotliDecompress()
        : coding === 'zstd'
          ? createZstdDecompress()
          : undefined;
  // A failure of either reaches the reader as the decoder's own.
  return decoder ? pipeline(incoming, decoder, () => undefined) : incoming;
};

const toResponse = ({ status, headers, body }: Answer, abort: () => void, done: () => void): Response => {
  // Beside our server `Response` is one of Hono's, which looks at the status too late.
  if (status < 200 || status > 599) throw new RangeError(`a response cannot have the status ${status}`);
  const init = { status, headers: headersOf(headers) };
  if (WITHOUT_BODY.has(status)) {
    // A reader that does not care must still not let an error pass for one that nobody handles.
    body.on('error', () => undefined).resume();
    done();
    return new Response(null, init);
  }
  return new Response(streamOf(body, abort, done), init);
};

export const headersOf = (distinct: Answer['headers']): Headers => {
  const headers = new Headers();
  for (const [name, values] of Object.entries(distinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
};

/** Bytes that are buffered before the upstream is asked to wait. */
const BUFFERED_BYTES = 64 * 1024;

const streamOf = (
  body: Readable,
  abort: () => void,
  done: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let ended = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: (controller) => {
        // A cancelled stream is closed, but what has already arrived still comes: enqueuing it would throw.
        body.on('data', (chunk: Uint8Array<ArrayBuffer>) => {
          if (ended) return;
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) body.pause();
        });
        body.on('end', () => {
          if (ended) return;
          ended = true;
          controller.close();
        });
        const fail = (cause?: unknown) => {
          done();
          if (!ended) controller.error(new TypeError('terminated', { cause }));
          ended = true;
        };
        body.on('error', fail);
        body.on('close', fail);
      },
      pull: () => {
        body.resume();
      },
      cancel: () => {
        ended = true;
        abort();
      },
    },
    { highWaterMark: BUFFERED_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  );
};
