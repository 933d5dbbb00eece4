import type { SETTINGS, SettingValues } from '../../src/config/settings-table.ts';

/** A table: what each setting takes and refuses, and its default. */

export type Name = keyof typeof SETTINGS;

const DAY = 86_400_000;
const LONG = 'x'.repeat(32);
export const OTHER = 'y'.repeat(40);

interface Row<N extends Name> {
  readonly absent: SettingValues[N];
  readonly good: readonly (readonly [text: string, value: SettingValues[N]])[];
  readonly bad: readonly string[];
}

/** What each setting is when absent, and what becomes of good and of bad texts. */
export const ROWS: { readonly [N in Name]: Row<N> } = {
  PORT: {
    absent: 5000,
    good: [
      ['0', 0],
      ['65535', 65_535],
    ],
    bad: ['65536', '-1', '80.5', '0x50', 'http', ' 80', '1e3'],
  },
  HOST: { absent: '0.0.0.0', good: [['::1', '::1']], bad: ['a\nb'] },
  OPENAI_API_KEY: {
    absent: undefined,
    good: [['sk-1', 'sk-1']],
    bad: [
      'sk-secret\nvalue',
      '\u201Csk-secret\u201D',
      'sk-secret\u200B',
      '\uFEFFsk-secret',
      'sk-secr\u0435t',
      '"sk-secret"',
      'Bearer sk-secret',
    ],
  },
  OPENAI_BASE_URL: {
    absent: undefined,
    good: [
      ['http://localhost:11434/v1/', 'http://localhost:11434/v1'],
      ['https://api.groq.com/openai/v1', 'https://api.groq.com/openai/v1'],
    ],
    bad: [
      'localhost:11434/v1',
      'ftp://x/v1',
      'https://x/v1?key=1',
      'https://u:p@x/v1',
      'https://x/#a',
      '/v1',
      'https://',
    ],
  },
  BACKEND: {
    absent: 'auto',
    good: [
      ['offline', 'offline'],
      ['responses', 'responses'],
    ],
    bad: ['Responses', 'openai', ' auto'],
  },
  OPENAI_ASSISTANT_ID: {
    absent: undefined,
    good: [['asst_aB-9', 'asst_aB-9']],
    bad: ['asst 1', 'a/b', 'x'.repeat(129), 'ä'],
  },
  OPENAI_MODEL: { absent: undefined, good: [['llama3.2:3b', 'llama3.2:3b']], bad: ['a\nb', 'gpt-6\u200B'] },
  ASSISTANT_FILE: { absent: undefined, good: [['./a.json', './a.json']], bad: ['a\nb'] },
  DOCUMENTS_DIR: { absent: undefined, good: [['./docs', './docs']], bad: ['a\nb'] },
  DOCUMENTS_MAX_CHARS: { absent: 12_000, good: [['2000', 2_000]], bad: ['1999', '-1', 'all', '1000001'] },
  QUERY_REWRITE: { absent: false, good: [['true', true]], bad: ['maybe'] },
  EMBEDDING_MODEL: { absent: undefined, good: [['nomic-embed-text', 'nomic-embed-text']], bad: ['a\nb'] },
  EMBEDDING_BASE_URL: {
    absent: undefined,
    good: [['http://localhost:11434/v1/', 'http://localhost:11434/v1']],
    bad: ['localhost:11434/v1', 'https://u:p@x/v1'],
  },
  EMBEDDING_API_KEY: { absent: undefined, good: [['sk-1', 'sk-1']], bad: ['Bearer sk-secret'] },
  FALLBACK_BACKEND: {
    absent: undefined,
    good: [
      ['auto', 'auto'],
      ['responses', 'responses'],
    ],
    bad: ['offline', 'Responses'],
  },
  FALLBACK_API_KEY: { absent: undefined, good: [['sk-2', 'sk-2']], bad: ['sk-secret\nvalue'] },
  FALLBACK_BASE_URL: {
    absent: undefined,
    good: [['http://localhost:9001/v1/', 'http://localhost:9001/v1']],
    bad: ['localhost:9001', 'https://x/v1?key=1'],
  },
  FALLBACK_MODEL: { absent: undefined, good: [['other', 'other']], bad: ['a\nb'] },
  HTTPS_PROXY: {
    absent: undefined,
    good: [['http://ann:pw@proxy.example.org:3128', 'http://ann:pw@proxy.example.org:3128']],
    bad: ['cache.internal', 'localhost:3128', 'socks5://cache.internal'],
  },
  HTTP_PROXY: {
    absent: undefined,
    good: [['https://proxy.example.org', 'https://proxy.example.org']],
    bad: ['cache', 'localhost:3128'],
  },
  NO_PROXY: {
    absent: undefined,
    good: [['localhost,.example.org', 'localhost,.example.org']],
    bad: ['a\nb'],
  },
  THREAD_IDLE: {
    absent: 30 * DAY,
    good: [
      ['12h', DAY / 2],
      ['1s', 1_000],
    ],
    bad: ['30', '999ms', '99999d'],
  },
  MAX_ANSWER_TOKENS: {
    absent: 4096,
    good: [
      ['16', 16],
      ['1000000', 1_000_000],
    ],
    bad: ['15', '1000001', 'many', '4096.0'],
  },
  HISTORY_MAX_CHARS: { absent: 48_000, good: [['0', 0]], bad: ['-1', '10000001', '48k'] },
  DATA_DIR: { absent: './data', good: [['/var/lib/x', '/var/lib/x']], bad: ['a\nb'] },
  DATABASE_URL: {
    absent: undefined,
    good: [
      [
        'postgres://a:b@db.example:5433/chat?sslmode=require',
        'postgres://a:b@db.example:5433/chat?sslmode=require',
      ],
      ['postgresql://localhost/chat', 'postgresql://localhost/chat'],
    ],
    bad: [
      ...['mysql://localhost/chat', 'localhost:5432', 'postgres:///chat', 'postgres://a:%ff@localhost/chat'],
      ...[
        'postgres://a:p@ss/w#rd@localhost/chat',
        'postgres://a:p?s@localhost/chat',
        'postgres://a:p#s@localhost/chat',
      ],
    ],
  },
  DATABASE_SCHEMA: {
    absent: undefined,
    good: [
      ['thread_proxy', 'thread_proxy'],
      ['_2', '_2'],
    ],
    bad: ['pg_mine', 'Mine', '2nd', 'a b', 'a"b', 'x'.repeat(64)],
  },
  DATABASE_WAIT: {
    absent: 30_000,
    good: [
      ['0', 0],
      ['2m', 120_000],
    ],
    bad: ['30', '-1s', '25d'],
  },
  RATE_LIMIT: {
    absent: [{ limit: 5, windowMs: 60_000 }],
    good: [
      ['100/1h', [{ limit: 100, windowMs: 3_600_000 }]],
      [
        '3/2s, 60/1h',
        [
          { limit: 3, windowMs: 2_000 },
          { limit: 60, windowMs: 3_600_000 },
        ],
      ],
      ['off', null],
    ],
    bad: [
      '5',
      '5/m',
      '0/1m',
      '5/0s',
      '5/25d',
      '5 / 1m',
      '-5/1m',
      '5/1w',
      'OFF',
      '5/1m/1h',
      '5/1m,',
      '5/1m,off',
    ],
  },
  RATE_LIMIT_VISITOR: {
    absent: null,
    good: [['5/1m', [{ limit: 5, windowMs: 60_000 }]]],
    bad: ['5'],
  },
  DAILY_MESSAGES_PER_ADDRESS: {
    absent: undefined,
    good: [
      ['7', 7],
      ['off', null],
    ],
    bad: ['0', '-1', '10 %'],
  },
  DAILY_MESSAGES: {
    absent: 10_000,
    good: [
      ['1', 1],
      ['off', null],
    ],
    bad: ['0', '-1', 'none', '1.5'],
  },
  MAX_LIVE_TURNS: { absent: 2_000, good: [['1', 1]], bad: ['0', '100001', 'off'] },
  MAX_WAITING: { absent: 3, good: [['0', 0]], bad: ['-1', '1001'] },
  MAX_MESSAGE_CHARS: { absent: 4_000, good: [['1', 1]], bad: ['0', '60001'] },
  TRUST_PROXY: { absent: 0, good: [['2', 2]], bad: ['true', '-1', '11', '10.0.0.0/8'] },
  TRUSTED_PROXIES: {
    absent: [
      '127.0.0.0/8',
      '::1/128',
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '169.254.0.0/16',
      '100.64.0.0/10',
      'fc00::/7',
      'fe80::/10',
    ],
    good: [
      ['203.0.113.7, 2001:db8::/32', ['203.0.113.7', '2001:db8::/32']],
      ['loopback,198.51.100.0/24', ['127.0.0.0/8', '::1/128', '198.51.100.0/24']],
    ],
    bad: ['nginx', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0', 'constructor', 'private,'],
  },
  PUBLIC_ORIGIN: {
    absent: undefined,
    good: [['https://chat.example.org', 'https://chat.example.org']],
    bad: ['chat.example.org', 'https://chat.example.org/', 'https://*.example.org', '*', 'null'],
  },
  ALLOWED_ORIGINS: {
    absent: 'any',
    good: [
      ['*', 'any'],
      ['https://a.example, http://localhost:3000', ['https://a.example', 'http://localhost:3000']],
    ],
    bad: [
      'a.example',
      'https://a.example/',
      'https://a.example/x',
      'https://a.example,',
      'https://A.example',
      'https://*.a.example',
      '*,*',
    ],
  },
  IDENTITY: { absent: 'open', good: [['signed', 'signed']], bad: ['Signed', 'closed'] },
  SESSION_SECRET: {
    absent: undefined,
    good: [
      [LONG, [LONG]],
      [`${LONG},${OTHER}`, [LONG, OTHER]],
    ],
    bad: ['too-short-secret', `${LONG},short-secret`, `${LONG},${LONG},${LONG}`, `${LONG},`, `${LONG}\u200B`],
  },
  SESSION_TTL: {
    absent: 7 * DAY,
    good: [
      ['12h', DAY / 2],
      ['1s', 1_000],
    ],
    bad: ['7', '999ms', '7 d', '1w', '99999d', '-7d'],
  },
  SITE_KEYS: {
    absent: undefined,
    good: [
      [LONG, [LONG]],
      [`${LONG}, ${OTHER},${LONG}`, [LONG, OTHER, LONG]],
    ],
    bad: ['too-short-secret', `${LONG},short-secret`, `${LONG},`],
  },
  SESSION_MAX: { absent: 30 * DAY, good: [['12h', DAY / 2]], bad: ['30', '999ms', '99999d'] },
  SESSION_GRACE: {
    absent: 0,
    good: [
      ['1h', DAY / 24],
      ['0s', 0],
    ],
    bad: ['60', '366d', '-1s'],
  },
  OPS_TOKEN: { absent: undefined, good: [[OTHER, OTHER]], bad: ['too-short-secret', `${LONG},${LONG}`] },
  DEMO_PAGE: {
    absent: undefined,
    good: [
      ['on', 'on'],
      ['off', 'off'],
    ],
    bad: ['true', 'On'],
  },
  DIALECTS: {
    absent: ['session', 'token', 'sse', 'socket', 'deep-chat', 'n8n', 'flowise', 'ai-sdk'],
    good: [
      ['all', ['session', 'token', 'sse', 'socket', 'deep-chat', 'n8n', 'flowise', 'ai-sdk']],
      ['none', []],
      ['sse, session,sse', ['session', 'sse']],
    ],
    bad: ['every', 'session,all', 'session,', 'SSE', 'constructor'],
  },
  RETENTION: {
    absent: null,
    good: [
      ['90d', 90 * DAY],
      ['off', null],
    ],
    bad: ['1h', '0', '90', 'never'],
  },
  REDACT: {
    absent: [],
    good: [
      ['email,iban', ['email', 'iban']],
      ['off', []],
    ],
    bad: ['names', 'email,off'],
  },
  REDACT_UPSTREAM: { absent: false, good: [['true', true]], bad: ['maybe'] },
  DAILY_TOKENS: {
    absent: null,
    good: [
      ['1000000', 1_000_000],
      ['off', null],
    ],
    bad: ['0', '-1', '1.5', '1e6'],
  },
  DAILY_TOKENS_PER_VISITOR: { absent: null, good: [['5000', 5_000]], bad: ['0', 'some'] },
  PRICES: {
    absent: undefined,
    good: [
      [
        'gpt-6-luna=0.2/0.8, *=1/4',
        new Map([
          ['gpt-6-luna', { input: 0.2, output: 0.8 }],
          ['*', { input: 1, output: 4 }],
        ]),
      ],
    ],
    bad: ['gpt-6-luna', 'gpt-6-luna=1', 'a=-1/2', 'a=1/2,', 'a=1/2;b=3/4'],
  },
  DAILY_COST: {
    absent: null,
    good: [
      ['12.50', 12.5],
      ['off', null],
    ],
    bad: ['0', '-1', '1.234', '€5', '1e2'],
  },
  METRICS_PUBLIC: { absent: false, good: [['true', true]], bad: ['maybe'] },
  WEBHOOK_URL: {
    absent: undefined,
    good: [['https://hooks.example/in', 'https://hooks.example/in']],
    bad: ['hooks.example', 'ftp://hooks.example'],
  },
  WEBHOOK_SECRET: {
    absent: undefined,
    good: [[`whsec_${'A'.repeat(32)}`, `whsec_${'A'.repeat(32)}`]],
    bad: ['A'.repeat(32), `whsec_${'A'.repeat(8)}`, `whsec_${'!'.repeat(32)}`],
  },
  MODERATION: {
    absent: 'off',
    good: [['https://mod.example/look', 'https://mod.example/look']],
    bad: ['on', 'mod.example'],
  },
  MODERATION_FAIL: { absent: 'open', good: [['closed', 'closed']], bad: ['shut'] },
  CLEAR_KEEPS_LOG: { absent: true, good: [['false', false]], bad: ['yes', 'True', '1'] },
  RUN_TIMEOUT: {
    absent: 120_000,
    good: [
      ['100ms', 100],
      ['24d', 24 * DAY],
    ],
    bad: ['99ms', '25d', '120', 'forever'],
  },
  STREAM_IDLE_TIMEOUT: { absent: 90_000, good: [['50ms', 50]], bad: ['49ms', '25d', '30 s'] },
  SHUTDOWN_TIMEOUT: {
    absent: 25_000,
    good: [
      ['0s', 0],
      ['1m', 60_000],
    ],
    bad: ['25', '25d', '-1s'],
  },
  LOG_MAX_MB: {
    absent: 64,
    good: [
      ['1', 1],
      ['1024', 1024],
    ],
    bad: ['0', '1025', '64MB'],
  },
  LOG_FORMAT: {
    absent: 'auto',
    good: [
      ['pretty', 'pretty'],
      ['json', 'json'],
    ],
    bad: ['JSON', 'text'],
  },
  LOG_LEVEL: {
    absent: 'info',
    good: [
      ['trace', 'trace'],
      ['fatal', 'fatal'],
    ],
    bad: ['silent', 'INFO', 'warning'],
  },
};
