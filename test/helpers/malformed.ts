/** Whole HTTP requests, right and wrong, as the bytes that go over the socket. */

import fc from 'fast-check';
import {
  anyBody,
  anyHeader,
  anyMethod,
  anyTarget,
  chunkedEnd,
  goodBody,
  noRequest,
} from './malformed-parts.ts';

/** What is written to a socket. */
export interface RawRequest {
  readonly bytes: Buffer;
  /**
   * Milliseconds after which the caller hangs up, answered or not: 0 for what is cut short, some for what a parser
   * may take for cut short; absent: it waits for its answer.
   */
  readonly hangsUpAfter?: number;
}

/** For what a parser of HTTP may or may not find complete. */
const UNSURE_MS = 150;

interface Parts {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  /** What Content-Length says, if not the truth. */
  readonly length?: number;
}

const JSON_TYPE = ['Content-Type', 'application/json'] as const;

const rawRequest = ({ method = 'POST', target = '/api/chat', headers = [JSON_TYPE], ...parts }: Parts) => {
  const body = Buffer.from(parts.body ?? '');
  const length = parts.length ?? body.length;
  const names = headers.map(([name]) => name.toLowerCase());
  const all = [
    ...(names.includes('host') ? [] : [['Host', 'localhost']]),
    ...headers,
    ...(names.includes('content-length') || names.includes('transfer-encoding')
      ? []
      : [['Content-Length', String(length)]]),
    ['Connection', 'close'],
  ];
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const bytes = Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`), body]);
  return length > body.length ? { bytes, hangsUpAfter: 0 } : { bytes };
};

/** Requests that a parser of HTTP finds complete. */
const whole: fc.Arbitrary<RawRequest> = fc.oneof(
  { weight: 6, arbitrary: anyBody.map((body) => rawRequest({ body })) },
  { weight: 1, arbitrary: goodBody.map((body) => rawRequest({ body })) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        method: anyMethod,
        target: fc.constantFrom('/api/chat', '/healthz', '/openapi.json', '/nothing'),
      })
      .map(rawRequest),
  },
  { weight: 2, arbitrary: fc.record({ target: anyTarget, body: goodBody }).map(rawRequest) },
  { weight: 1, arbitrary: anyTarget.map((target) => rawRequest({ method: 'GET', target, headers: [] })) },
);

const unsure = (request: RawRequest): RawRequest => ({ hangsUpAfter: UNSURE_MS, ...request });

const headers = fc.array(anyHeader, { minLength: 1, maxLength: 6 });
const oddHeaders: fc.Arbitrary<RawRequest> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(headers, goodBody)
      .map(([some, body]) => unsure(rawRequest({ headers: [JSON_TYPE, ...some], body }))),
  },
  fc.record({ headers, body: anyBody }).map((parts) => unsure(rawRequest(parts))),
);

const wrongLength = fc
  .tuple(goodBody, fc.integer({ min: -20, max: 20 }), fc.constantFrom(1, 1, 5_000))
  .map(([body, more, times]) => rawRequest({ body, length: Math.max(0, body.length + more * times) }));

const chunked = fc.tuple(goodBody, chunkedEnd).map(([text, end]) => {
  const body = `${Buffer.byteLength(text).toString(16)}\r\n${text}${end}`;
  return unsure(rawRequest({ headers: [JSON_TYPE, ['Transfer-Encoding', 'chunked']], body }));
});

const pipelined = fc.array(whole, { minLength: 2, maxLength: 6 }).map((all): RawRequest => {
  const kept = all.slice(0, -1).map(({ bytes }) => {
    const text = bytes.toString('latin1').replace('Connection: close\r\n', '');
    return Buffer.from(text, 'latin1');
  });
  return unsure({ bytes: Buffer.concat([...kept, ...all.slice(-1).map(({ bytes }) => bytes)]) });
});

export const malformedRequest: fc.Arbitrary<RawRequest> = fc.oneof(
  { weight: 8, arbitrary: whole },
  { weight: 5, arbitrary: oddHeaders },
  { weight: 1, arbitrary: wrongLength },
  { weight: 1, arbitrary: chunked },
  { weight: 1, arbitrary: pipelined },
  { weight: 1, arbitrary: noRequest.map((bytes) => ({ bytes: Buffer.from(bytes), hangsUpAfter: 0 })) },
);
