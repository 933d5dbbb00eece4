/** Arbitraries for the parts of a request, most of them wrong. */

import fc from 'fast-check';

/** One of the words in a text. */
const wordOf = (text: string) => fc.constantFrom(...text.trim().split(/\s+/));

/** Values in the text of JSON: what JSON.stringify would never write is among them. */
const jsonText = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => JSON.stringify(text)),
  wordOf(String.raw`
    "\ud800" "a\u0000b" "\udfff\ud800" "\uD83D" "\x" "\u20" 1e400 -1e400 1e21 9007199254740993 -0 0.1 1e-400 00 +1
    NaN Infinity true null [] {} "" "anonymous" "__proto__" undefined 'x' {"a":1,} 0x10 1_000 [,] "unclosed`),
  fc.constantFrom('"\u0000"', '"\u2028"', '" "', '"\t"', '"\ud800"'),
  fc.integer({ min: 3_990, max: 4_010 }).map((length) => JSON.stringify('x'.repeat(length))),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc.integer({ min: 1, max: 9_000 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
);

const fieldName = wordOf(String.raw`
  "message" "message" "message" "user_id" "user_id" "session_token" "__proto__" "constructor" "toString" "MESSAGE"
  "message\u0000" "" message "prototype" "hasOwnProperty"`);

const objectText = fc
  .array(fc.tuple(fieldName, jsonText), { maxLength: 5 })
  .map((fields) => `{${fields.map(([name, value]) => `${name}:${value}`).join(',')}}`);

/** A body that is answered. */
export const goodBody = fc
  .record({ message: fc.string({ minLength: 1 }), user_id: fc.string({ minLength: 1, maxLength: 128 }) })
  .map((body) => JSON.stringify(body));

const invalidUtf8 = fc
  .uint8Array({ minLength: 1, maxLength: 9 })
  .map((bytes) => Buffer.concat([Buffer.from('{"message":"'), bytes, Buffer.from('"}')]));

const oversized = fc
  .constantFrom(65_535, 65_536, 65_537, 70_000, 300_000)
  .map((size) => `{"message":"x","y":"${'z'.repeat(size - 22)}"}`);

export const anyBody: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: objectText },
  { weight: 2, arbitrary: jsonText },
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 200 }),
  invalidUtf8,
  oversized,
  // Cut off somewhere, with a byte order mark, in UTF-16, and deeper than any parser likes.
  fc.tuple(goodBody, fc.nat(40)).map(([text, at]) => text.slice(0, at)),
  goodBody.map((text) => `\ufeff${text}`),
  goodBody.map((text) => Buffer.from(text, 'utf16le')),
  wordOf(String.raw`[ {"a": {"message":[ \ "`).map((text) => text.repeat(10_000)),
);

/** What may stand in a header: any byte but NUL and those that end it. */
const anyValue = fc
  .string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 })
  .map((text) => text.replace(/[\r\n]/g, ' '));

const token = fc.oneof(
  anyValue,
  fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
  wordOf('a.b.c .. eyJhbGciOiJub25lIn0.e30. null undefined ÿ e30.e30.e30'),
  fc.constant('x'.repeat(5_000)),
);

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  anyValue,
  wordOf('unknown [::1]:80 ::ffff:1.2.3.4 1.2.3.4:99999 : % fe80::1%eth0 ::ffff:999.1.1.1 [ ] 1.2.3'),
);

const named = (name: string, ...values: fc.Arbitrary<string>[]) =>
  fc.oneof(...values).map((value): readonly [string, string] => [name, value]);

const contentType = wordOf(`
  text/plain application/json application/json;charset=utf-16 multipart/form-data ;; a/b/c application/json;charset="
  application/x-www-form-urlencoded application/jsonp application/json;charset=utf-8;charset=utf-16 /`);

/** A header, most often one that we read. */
export const anyHeader: fc.Arbitrary<readonly [name: string, value: string]> = fc.oneof(
  named('Content-Type', anyValue, contentType),
  named(
    'Authorization',
    token.map((text) => `Bearer ${text}`),
  ),
  named('Authorization', anyValue, wordOf('Bearer Basic bearer Bearer,Bearer'), fc.constant('bearer   ')),
  named(
    'X-Forwarded-For',
    fc.array(address, { maxLength: 5 }).map((list) => list.join(',')),
  ),
  named('Origin', anyValue, wordOf('null https://a.example http://[ https:// file:// * http://localhost')),
  named('Accept', anyValue, wordOf('text/event-stream */*;q=x text/event-stream;q=0 ,,, ; ;q=1,;')),
  named('Accept', fc.constant('text/event-stream,'.repeat(500))),
  named('Content-Encoding', wordOf('gzip br identity x')),
  named('Transfer-Encoding', wordOf('gzip identity chunked gzip,chunked chunked,chunked x')),
  named('Content-Length', wordOf('0 -1 1e3 0x10 99999999999999999999 1,1 x'), fc.constantFrom('', ' ')),
  named('Host', wordOf('a/b [::1 x:99999999 user@host é .. a,b % x\\y'), fc.constantFrom('', 'a b')),
  named('Expect', wordOf('100-continue x')),
  named('Upgrade', wordOf('websocket h2c x')),
  named('Access-Control-Request-Method', wordOf('POST x'), anyValue),
  fc.tuple(
    wordOf('Referer Cookie Range If-None-Match TE Via Accept-Encoding X-Request-Id Last-Event-ID'),
    anyValue,
  ),
  fc.tuple(wordOf('__proto__ constructor Idempotency-Key'), anyValue),
  fc.tuple(fc.constant('X-Long'), fc.constantFrom('x'.repeat(10_000), 'x'.repeat(30_000))),
  fc.tuple(fc.constantFrom('bad name', 'é', '', ':', 'a\tb', '(x)'), anyValue),
);

export const anyTarget = fc.oneof(
  wordOf(String.raw`
    / // /api /api/ /api/chat/ /api//chat //api/chat /API/CHAT /api/chat?% /api/chat;x /% /%zz /%c0%af /%00 /%ff /\
    /%2e%2e/%2e%2e/etc/passwd /../../etc/passwd /api%2fchat /api/chat% * http://other.example/api/chat http:// ftp://x/
    ? # /#x api/chat /healthz?% /openapi.json/ localhost:80 /__proto__ /constructor /healthz/.. http://[/api/chat`),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `/${text.replace(/[\s\0]/g, '')}`),
  fc.webPath(),
  fc.constantFrom(1_000, 10_000, 40_000).map((length) => `/${'a/'.repeat(length / 2)}`),
);

export const anyMethod = wordOf(
  'GET HEAD PUT PATCH DELETE OPTIONS TRACE PROPFIND M-SEARCH QUERY LINK SEARCH UNLOCK post FOO PÖST PRI',
);

/** Ends of a chunked body after its one chunk. */
export const chunkedEnd = fc.constantFrom(
  ...[
    '\r\n0\r\n\r\n',
    '\r\n',
    '',
    '\r\nzz\r\n',
    '\r\n0\r\nX: y\r\n\r\n',
    '\r\n-1\r\n',
    '\r\n0;x=y\r\n\r\n',
    '0',
  ],
);

/** What is not HTTP, or hardly. */
export const noRequest: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc
    .constantFrom(
      ...[
        'GET',
        'GET /',
        '\r\n\r\n\r\n',
        'POST /api/chat HTTP/9.9\r\n\r\n',
        '\x16\x03\x01\x02\x00',
        'PRI * HTTP/2.0',
      ],
      ...[
        'GET / HTTP/1.0\r\n\r\n',
        'POST /api/chat HTTP/1.1\r\nHost',
        'GET / HTTP/1.1\r\n\r\n',
        ' / \r\n\r\n',
      ],
      'CONNECT /api/chat HTTP/1.1\r\nHost: x\r\n\r\n',
    )
    .map((text) => Buffer.from(text, 'latin1')),
);
