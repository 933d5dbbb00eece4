import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';

/**
 * A `fetch` for the SDK over Node's own HTTP client: the built-in one costs more than twice as much a call, and it
 * is most of what a message costs here. It does what an API client needs: a body of text, a signal, the answer as a
 * stream. Redirects are not followed (the key must not go elsewhere), and nothing is compressed.
 * @throws TypeError where there is no connection, as `fetch` does; the signal's reason.
 */
export const createHttpFetch = (): typeof fetch => {
  const options = { keepAlive: true, scheduling: 'lifo' as const };
  const plain = new http.Agent(options);
  const secure = new https.Agent(options);

  return (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const body = init.body ?? undefined;
    if (body !== undefined && typeof body !== 'string') throw new TypeError('only a body of text is sent');
    const headers = new Headers(init.headers);
    if (body !== undefined) headers.set('content-length', String(Buffer.byteLength(body)));
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const method = init.method ?? 'GET';
    const common = {
      method,
      headers: Object.fromEntries(headers),
      ...(init.signal ? { signal: init.signal } : {}),
    };
    const request: ClientRequest =
      url.protocol === 'https:'
        ? https.request(url, { ...common, agent: secure })
        : http.request(url, { ...common, agent: plain });
    request.on('response', (answer) => resolve(toResponse(answer)));
    request.on('error', (cause) => {
      reject(init.signal?.aborted ? init.signal.reason : new TypeError('fetch failed', { cause }));
    });
    request.end(body);
    return promise;
  };
};

/** Bytes that are taken in before the upstream is asked to wait. */
const BUFFERED_BYTES = 64 * 1024;

const WITHOUT_BODY = new Set([204, 205, 304]);

const toResponse = (answer: IncomingMessage): Response => {
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const status = answer.statusCode ?? 0;
  if (WITHOUT_BODY.has(status)) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  return new Response(bodyOf(answer), { status, headers });
};

const bodyOf = (answer: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: (controller) => {
        answer.on('data', (chunk: Uint8Array<ArrayBuffer>) => {
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) answer.pause();
        });
        answer.on('end', () => controller.close());
        answer.on('error', (cause) => controller.error(new TypeError('terminated', { cause })));
      },
      pull: () => {
        answer.resume();
      },
      cancel: () => {
        answer.destroy();
      },
    },
    { highWaterMark: BUFFERED_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  );
