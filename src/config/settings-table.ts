import { z } from 'zod';
import {
  addressRanges,
  httpUrl,
  moderation,
  origin,
  origins,
  postgresUrl,
  proxyUrl,
  schemaName,
} from './address-kinds.ts';
import {
  amountOrOff,
  apiKey,
  duration,
  durationOrOff,
  oneOf,
  prices,
  rates,
  secret,
  secrets,
  someOf,
  someOrOff,
  text,
  webhookSecret,
  wholeNumber,
  wholeNumberOrOff,
  yesOrNo,
} from './value-kinds.ts';

/** One setting: its text in the environment, what that may be, and one line of documentation. */
export interface Setting<S extends z.ZodType<unknown, string> = z.ZodType<unknown, string>> {
  readonly schema: S;
  /** The text that stands for an absent one; null: there is none, and the value is undefined. */
  readonly fallback: string | null;
  /** What good values look like: the end of "NAME takes …". */
  readonly takes: string;
  readonly doc: string;
  /** Its value is never shown. */
  readonly secret?: true;
  /** It names a file or folder; `ifThere` is taken where none is named and it exists. */
  readonly path?: { readonly ifThere?: string };
}

/** A row; without `takes` it takes what its kind of value does. */
const setting = <const S extends z.ZodType<unknown, string>, const F extends string | null>(
  row: Omit<Setting<S>, 'takes'> & { readonly fallback: F; readonly takes?: string },
): Setting<S> & { readonly fallback: F } => ({
  ...row,
  takes: row.takes ?? row.schema.description ?? 'a text',
});

const YEAR_MS = 365 * 86_400_000;

/** Every setting there is. docs/settings.md and the start's checks are made from it. */
export const SETTINGS = {
  PORT: setting({
    schema: wholeNumber(0, 65_535),
    fallback: '5000',
    takes: 'a port, 0 to 65535',
    doc: 'The port it listens on; `0` takes a free one and logs it.',
  }),
  HOST: setting({
    schema: text,
    fallback: '0.0.0.0',
    takes: 'an address or host name of this machine, such as 0.0.0.0 or 127.0.0.1',
    doc: 'The address it listens on.',
  }),
  OPENAI_API_KEY: setting({
    schema: apiKey,
    fallback: null,
    doc: 'The key for the upstream.',
    secret: true,
  }),
  OPENAI_BASE_URL: setting({
    schema: httpUrl,
    fallback: null,
    doc: 'The upstream: any OpenAI-compatible server. Absent: OpenAI.',
  }),
  BACKEND: setting({
    schema: oneOf(['auto', 'responses', 'assistants', 'completions', 'offline']),
    fallback: 'auto',
    doc: "The upstream's wire. `auto`: no key and no base URL → `offline`; OpenAI's or Azure OpenAI's host → `responses`; else with an assistant id → `assistants`; else `completions`.",
  }),
  OPENAI_ASSISTANT_ID: setting({
    schema: z.string().regex(/^[\w-]{1,128}$/),
    fallback: null,
    takes: 'the id of an assistant, such as asst_abc123',
    doc: 'The assistant at a server that speaks the Assistants wire.',
  }),
  OPENAI_MODEL: setting({
    schema: text,
    fallback: null,
    takes: 'the name of a model',
    doc: 'The model, where the assistant file names none; absent: `gpt-6-luna`. Must be set for `completions`.',
  }),
  ASSISTANT_FILE: setting({
    schema: text,
    fallback: null,
    takes: 'a JSON file in the shape of an exported OpenAI assistant',
    doc: "The assistant's definition. Absent: `./assistant.json` if there.",
    path: { ifThere: './assistant.json' },
  }),
  MAX_ANSWER_TOKENS: setting({
    schema: wholeNumber(16, 1_000_000),
    fallback: '4096',
    doc: 'The longest answer, in tokens; goes with every run.',
  }),
  HISTORY_MAX_CHARS: setting({
    schema: wholeNumber(0, 10_000_000),
    fallback: '48000',
    doc: 'How much of the transcript a new or stateless thread is given, in UTF-16 units: whole exchanges, newest first.',
  }),
  DOCUMENTS_DIR: setting({
    schema: text,
    fallback: null,
    takes: 'a folder of documents',
    doc: 'Files that the assistant may quote (docs/documents.md). Read at the start and on SIGHUP. Absent: `./documents` if there.',
    path: { ifThere: './documents' },
  }),
  DOCUMENTS_MAX_CHARS: setting({
    schema: wholeNumber(2_000, 1_000_000),
    fallback: '12000',
    takes: 'a whole number, 2000 to 1000000',
    doc: 'How much text of the documents a run is given, in UTF-16 units.',
  }),
  QUERY_REWRITE: setting({
    schema: yesOrNo,
    fallback: 'false',
    takes: 'true or false',
    doc: 'One more model call per question rewords a message that only makes sense within its conversation, before the documents are searched.',
  }),
  EMBEDDING_MODEL: setting({
    schema: text,
    fallback: null,
    takes: 'the name of a model for embeddings, such as text-embedding-3-small',
    doc: 'Also searches documents by meaning, with this embedding model. Absent: by words only.',
  }),
  EMBEDDING_BASE_URL: setting({
    schema: httpUrl,
    fallback: null,
    takes: 'an http or https URL, such as http://127.0.0.1:11434/v1',
    doc: 'The server for embeddings. Absent: the upstream.',
  }),
  EMBEDDING_API_KEY: setting({
    schema: apiKey,
    fallback: null,
    takes: 'an API key: letters, digits and signs of ASCII, without spaces or quotes',
    doc: 'The key for embeddings. Absent: the upstream’s, if the embeddings come from there.',
    secret: true,
  }),
  FALLBACK_BACKEND: setting({
    schema: oneOf(['auto', 'responses', 'assistants', 'completions']),
    fallback: null,
    doc: 'The wire of a second upstream that answers while the first is down. Absent: none, unless another `FALLBACK_` setting is set.',
  }),
  FALLBACK_API_KEY: setting({
    schema: apiKey,
    fallback: null,
    doc: 'The key for the second upstream.',
    secret: true,
  }),
  FALLBACK_BASE_URL: setting({
    schema: httpUrl,
    fallback: null,
    doc: 'The second upstream. Absent: OpenAI.',
  }),
  FALLBACK_MODEL: setting({
    schema: text,
    fallback: null,
    takes: 'the name of a model',
    doc: 'The second upstream’s model; takes precedence over the assistant file’s.',
  }),
  DATA_DIR: setting({
    schema: text,
    fallback: './data',
    takes: 'a folder',
    doc: 'The folder of the log and all other data. Only one process per folder.',
    path: {},
  }),
  DATABASE_URL: setting({
    schema: postgresUrl,
    fallback: null,
    takes:
      'a URL such as postgres://user:password@host:5432/database?sslmode=verify-full, with / # ? @ % in the password escaped as %2F %23 %3F %40 %25',
    doc: 'Keeps everything in this Postgres database instead of `DATA_DIR`, for any number of processes; `SESSION_SECRET` must then be set.',
    secret: true,
  }),
  DATABASE_SCHEMA: setting({
    schema: schemaName,
    fallback: null,
    takes: 'the name of a schema: small letters, digits and _, not beginning with pg_ or a digit',
    doc: 'The schema of that database that is the service’s alone; it is made if it is missing. Absent: `thread_proxy`, or where its tables are already; must be set where the database holds tables of another application.',
  }),
  DATABASE_WAIT: setting({
    schema: duration(0),
    fallback: '30s',
    doc: 'How long a start waits for the database.',
  }),
  RATE_LIMIT: setting({
    schema: rates,
    fallback: '5/1m',
    doc: 'Posted messages per window and client address (several windows, comma-separated: all hold), or `off`.',
  }),
  RATE_LIMIT_VISITOR: setting({
    schema: rates,
    fallback: 'off',
    doc: 'The same per session or user, for sites whose visitors share addresses: raise `RATE_LIMIT` then.',
  }),
  DAILY_MESSAGES: setting({
    schema: wholeNumberOrOff(1, 1_000_000_000),
    fallback: '10000',
    doc: 'Messages a day (UTC) for the whole site, or `off`; a warning at 80 %.',
  }),
  DAILY_MESSAGES_PER_ADDRESS: setting({
    schema: wholeNumberOrOff(1, 1_000_000_000),
    fallback: null,
    doc: "One address's share of `DAILY_MESSAGES` (a verified visitor's, for verified visitors), or `off`. Absent: a tenth of it.",
  }),
  MAX_LIVE_TURNS: setting({
    schema: wholeNumber(1, 100_000),
    fallback: '2000',
    doc: 'Answers being generated at once, per process.',
  }),
  MAX_WAITING: setting({
    schema: wholeNumber(0, 1_000),
    fallback: '3',
    doc: 'Messages that may wait for one thread.',
  }),
  MAX_MESSAGE_CHARS: setting({
    schema: wholeNumber(1, 60_000),
    fallback: '4000',
    doc: 'The longest message, in UTF-16 units.',
  }),
  TRUST_PROXY: setting({
    schema: wholeNumber(0, 10),
    fallback: '0',
    doc: 'How many proxies in front of the service to trust in `X-Forwarded-For`, counted from the right.',
  }),
  TRUSTED_PROXIES: setting({
    schema: addressRanges,
    fallback: 'loopback,private',
    doc: 'The peers from which `X-Forwarded-For` is believed: `loopback`, `private`, addresses, CIDRs.',
  }),
  PUBLIC_ORIGIN: setting({
    schema: origin,
    fallback: null,
    doc: "This service's own address for browsers. Beside loopback it is the only origin whose pages count as our own.",
  }),
  ALLOWED_ORIGINS: setting({
    schema: origins,
    fallback: '*',
    doc: 'The pages that may call: exact origins, comma-separated, or `*`.',
  }),
  IDENTITY: setting({
    schema: oneOf(['open', 'signed']),
    fallback: 'open',
    doc: '`open`: a `user_id` is taken on trust. `signed`: only a session token or a site key names a visitor.',
  }),
  SITE_KEYS: setting({
    schema: secrets(16),
    fallback: null,
    doc: 'Keys for the site’s own servers; a `user_id` sent with one counts as verified.',
    secret: true,
  }),
  SESSION_SECRET: setting({
    schema: secrets(2),
    fallback: null,
    takes: 'a secret of at least 32 characters, or two, comma-separated: the first signs, both verify',
    doc: 'Signs session tokens. Absent: made once and kept in `DATA_DIR/session-secret`.',
    secret: true,
  }),
  SESSION_TTL: setting({
    schema: duration(1_000, 10 * YEAR_MS),
    fallback: '7d',
    doc: 'Life of a session token.',
  }),
  SESSION_MAX: setting({
    schema: duration(1_000, 10 * YEAR_MS),
    fallback: '30d',
    doc: 'Life of a session through all refreshes, from its start.',
  }),
  SESSION_GRACE: setting({
    schema: duration(0, YEAR_MS),
    fallback: '0',
    doc: 'How long after its end a session token may still be refreshed.',
  }),
  OPS_TOKEN: setting({
    schema: secret,
    fallback: null,
    doc: 'Opens the operators’ routes. Absent: created and kept in `DATA_DIR/ops-token`; with `NODE_ENV=production` or `DATABASE_URL` the routes are then off.',
    secret: true,
  }),
  RUN_TIMEOUT: setting({
    schema: duration(100),
    fallback: '120s',
    doc: 'The whole turn: waiting, retries, answer.',
  }),
  STREAM_IDLE_TIMEOUT: setting({
    schema: duration(50),
    fallback: '90s',
    doc: 'Abort when the upstream is silent this long mid-answer; thinking models are silent for more than 30 s.',
  }),
  HTTPS_PROXY: setting({
    schema: proxyUrl,
    fallback: null,
    doc: 'The proxy for https upstreams and webhooks; `https_proxy` is read, too.',
    secret: true,
  }),
  HTTP_PROXY: setting({
    schema: proxyUrl,
    fallback: null,
    doc: 'The same for http.',
    secret: true,
  }),
  NO_PROXY: setting({
    schema: text,
    fallback: null,
    takes: 'hosts, comma-separated',
    doc: 'Hosts that are called without a proxy, comma-separated.',
  }),
  THREAD_IDLE: setting({
    schema: duration(1_000, 10 * YEAR_MS),
    fallback: '30d',
    doc: 'After this long without a message, the visitor’s next one starts a new upstream thread, filled from the transcript.',
  }),
  SHUTDOWN_TIMEOUT: setting({
    schema: duration(0),
    fallback: '25s',
    doc: 'How long a stop waits for answers being generated.',
  }),
  LOG_MAX_MB: setting({
    schema: wholeNumber(1, 1_024),
    fallback: '64',
    doc: 'Size in MB at which the oldest exchanges move from `conversations.json` into `archive/`.',
  }),
  DIALECTS: setting({
    schema: someOf(['session', 'token', 'sse', 'socket', 'deep-chat', 'n8n', 'flowise', 'ai-sdk']),
    fallback: 'all',
    doc: "Which other clients' wire forms are served (docs/older-clients.md).",
  }),
  DEMO_PAGE: setting({
    schema: oneOf(['on', 'off']),
    fallback: null,
    takes: 'on or off',
    doc: 'The demo page at `/`, with our own chat bubble. Absent: on; off under `NODE_ENV=production`.',
  }),
  RETENTION: setting({
    schema: durationOrOff(86_400_000, 20 * YEAR_MS),
    fallback: 'off',
    takes: 'a duration of at least 1d, such as 90d, or off',
    doc: 'Exchanges older than this are erased, daily.',
  }),
  REDACT: setting({
    schema: someOrOff(['email', 'phone', 'card', 'iban', 'ip']),
    fallback: 'off',
    takes: 'off, all, or some of email, phone, card, iban and ip, comma-separated',
    doc: "What is masked in messages and answers before they are written; the visitor's own screen keeps the original.",
  }),
  REDACT_UPSTREAM: setting({
    schema: yesOrNo,
    fallback: 'false',
    takes: 'true or false',
    doc: 'Masks before sending to the upstream, too.',
  }),
  DAILY_TOKENS: setting({
    schema: wholeNumberOrOff(1, 1_000_000_000_000),
    fallback: 'off',
    takes: 'a whole number from 1, or off',
    doc: 'Tokens a day of `TZ` for the whole site, as the upstream counts them; a warning at 80 %.',
  }),
  DAILY_TOKENS_PER_VISITOR: setting({
    schema: wholeNumberOrOff(1, 1_000_000_000_000),
    fallback: 'off',
    takes: 'a whole number from 1, or off',
    doc: 'The same for each visitor.',
  }),
  PRICES: setting({
    schema: prices,
    fallback: null,
    takes: 'prices per million tokens, such as gpt-6-luna=0.2/0.8,*=1/4 (model=in/out; * is any other model)',
    doc: 'What tokens cost, in your currency: for `DAILY_COST` and the figures of `/ops`.',
  }),
  DAILY_COST: setting({
    schema: amountOrOff,
    fallback: 'off',
    takes: 'an amount such as 12.50, or off',
    doc: 'Money a day of `TZ` for the whole site, by `PRICES`; a warning at 80 %.',
  }),
  METRICS_PUBLIC: setting({
    schema: yesOrNo,
    fallback: 'false',
    takes: 'true or false',
    doc: 'Serves `/metrics` without the ops token.',
  }),
  WEBHOOK_URL: setting({
    schema: httpUrl,
    fallback: null,
    takes: 'an http or https URL',
    doc: 'Where events go: `exchange.completed`, `exchange.failed`, `feedback.created`, `budget.warning` (docs/operators.md).',
  }),
  WEBHOOK_SECRET: setting({
    schema: webhookSecret,
    fallback: null,
    takes: 'whsec_ and the base64 of 24 to 64 random bytes, as of: echo "whsec_$(openssl rand -base64 32)"',
    doc: 'Signs them (Standard Webhooks), and the calls of `MODERATION`.',
    secret: true,
  }),
  MODERATION: setting({
    schema: moderation,
    fallback: 'off',
    takes: "off, openai, or your own server's http or https URL",
    doc: 'Checks messages before a run is spent on them.',
  }),
  MODERATION_FAIL: setting({
    schema: oneOf(['open', 'closed']),
    fallback: 'open',
    takes: 'open or closed',
    doc: 'If a message could not be checked: `open` runs it, `closed` refuses it.',
  }),
  CLEAR_KEEPS_LOG: setting({
    schema: yesOrNo,
    fallback: 'true',
    doc: 'Exchanges that a visitor cleared stay in the log, for operators.',
  }),
  LOG_FORMAT: setting({
    schema: oneOf(['auto', 'pretty', 'json']),
    fallback: 'auto',
    doc: 'The service’s log: `json` (one line an event) or `pretty` (for people). `auto`: `pretty` on a terminal, else `json`.',
  }),
  LOG_LEVEL: setting({
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    fallback: 'info',
    doc: 'The least important messages to log.',
  }),
} as const;

type Settings = typeof SETTINGS;
/** The checked value of every setting, by name. */
export type SettingValues = {
  readonly [N in keyof Settings]: Settings[N]['fallback'] extends null
    ? z.output<Settings[N]['schema']> | undefined
    : z.output<Settings[N]['schema']>;
};
