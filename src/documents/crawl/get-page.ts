import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Lookup, RefusedAddress, resolvePublic } from './addresses.ts';

export const USER_AGENT = 'thread-proxy';

/** What a page's server answered. */
export type Fetched =
  | {
      readonly type: 'page';
      /** Where it was found in the end. */
      readonly url: string;
      readonly bytes: Uint8Array;
      readonly contentType: string;
      readonly etag?: string;
      /** What its X-Robots-Tag says, in lower case. */
      readonly robots: string;
    }
  | { readonly type: 'unchanged' }
  | { readonly type: 'gone' }
  | { readonly type: 'refused'; readonly reason: string };

export interface GetOptions {
  /** The only origin that is asked. */
  readonly origin: string;
  readonly isLoopbackNamed: boolean;
  /** Absent: as the system does it. */
  readonly lookup?: Lookup | undefined;
  readonly maxBytes: number;
  /** Milliseconds for a page, redirects and all. */
  readonly maxTime: number;
  /** What is known of it: it is sent anew only if it has changed. */
  readonly etag?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 5;

interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Readable;
}

const ask = async (url: URL, options: GetOptions, signal: AbortSignal): Promise<Answer> => {
  const { address, family } = await resolvePublic(url.hostname, options.isLoopbackNamed, options.lookup);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(url, {
    // Just the address that was looked at.
    lookup: (_host, { all }, done) => (all ? done(null, [{ address, family }]) : done(null, address, family)),
    agent: false,
    signal,
    headers: {
      'User-Agent': USER_AGENT,
      Accept: 'text/html, text/markdown, text/plain, application/pdf, application/xml;q=0.9, */*;q=0.1',
      'Accept-Encoding': 'gzip, deflate, br',
      ...(options.etag === undefined ? {} : { 'If-None-Match': options.etag }),
    },
  });
  sent.on('error', reject);
  sent.on('response', (response) => {
    resolve({
      status: response.statusCode ?? 0,
      header: (name) => {
        const value = response.headers[name];
        return Array.isArray(value) ? value[0] : value;
      },
      body: response,
    });
  });
  sent.end();
  return promise;
};

const unpacked = ({ header, body }: Answer): Readable => {
  const decoder = {
    gzip: createGunzip,
    'x-gzip': createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress,
  }[header('content-encoding')?.trim().toLowerCase() ?? ''];
  if (!decoder) return body;
  const stream = decoder();
  body.on('error', (thrown) => stream.destroy(thrown));
  return body.pipe(stream);
};

const read = async (answer: Answer, maxBytes: number): Promise<Uint8Array | undefined> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of unpacked(answer)) {
    const bytes = Buffer.from(part);
    size += bytes.length;
    if (size > maxBytes) {
      answer.body.destroy();
      return undefined;
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
};

const reasonOf = (thrown: unknown, signal: AbortSignal): string => {
  if (thrown instanceof RefusedAddress) return thrown.message;
  if (signal.aborted) return 'takes too long';
  return 'cannot be reached';
};

/** Asks for a page; never leaves its origin, nor goes to a private network. */
export const getPage = async (address: string, options: GetOptions): Promise<Fetched> => {
  const limit = AbortSignal.timeout(options.maxTime);
  const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
  let url = new URL(address);
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      if (url.origin !== options.origin)
        return { type: 'refused', reason: `leads to another site (${url.origin})` };
      const answer = await ask(url, options, signal);
      const { status, header } = answer;
      if (status >= 300 && status < 400 && status !== 304) {
        answer.body.destroy();
        const target = header('location');
        if (target === undefined || !URL.canParse(target, url.href))
          return { type: 'refused', reason: 'leads nowhere' };
        url = new URL(target, url.href);
        continue;
      }
      if (status !== 200) {
        answer.body.destroy();
        if (status === 304) return { type: 'unchanged' };
        if (status === 404 || status === 410) return { type: 'gone' };
        return { type: 'refused', reason: `was answered with ${status}` };
      }
      const bytes = await read(answer, options.maxBytes);
      if (!bytes) return { type: 'refused', reason: 'too large' };
      const etag = header('etag');
      url.hash = '';
      return {
        type: 'page',
        url: url.href,
        bytes,
        contentType: header('content-type') ?? '',
        robots: header('x-robots-tag')?.toLowerCase() ?? '',
        ...(etag === undefined || etag.length > 200 ? {} : { etag }),
      };
    }
    return { type: 'refused', reason: 'leads around in circles' };
  } catch (thrown) {
    return { type: 'refused', reason: reasonOf(thrown, signal) };
  }
};
