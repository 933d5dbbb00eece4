import { z } from 'zod';
import {
  duration,
  httpUrl,
  oneOf,
  origins,
  rate,
  secrets,
  text,
  wholeNumber,
  wholeNumberOrOff,
} from './settings.ts';
import { chooseUpstream, type Upstream } from './upstream-choice.ts';

/** One setting: its text in the environment, what that may be, and one line of documentation. */
interface Setting<S extends z.ZodType<unknown, string> = z.ZodType<unknown, string>> {
  readonly schema: S;
  /** The text that stands for an absent one; null: there is none, and the value is undefined. */
  readonly fallback: string | null;
  /** What good values look like: the end of "NAME takes …". */
  readonly takes: string;
  readonly doc: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

const setting = <const S extends z.ZodType<unknown, string>, const F extends string | null>(
  row: Setting<S> & { readonly fallback: F },
) => row;

const YEAR_MS = 365 * 86_400_000;

/** Every setting there is. README's table and the start's checks are made from it. */
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
    takes: 'an address or host name of this machine',
    doc: 'The address it listens on.',
  }),
  OPENAI_API_KEY: setting({
    schema: text,
    fallback: null,
    takes: 'an API key',
    doc: 'The key for the upstream.',
    secret: true,
  }),
  OPENAI_BASE_URL: setting({
    schema: httpUrl,
    fallback: null,
    takes: 'an http or https URL, such as https://api.groq.com/openai/v1',
    doc: 'The upstream: any OpenAI-compatible server. Absent: OpenAI.',
  }),
  BACKEND: setting({
    schema: oneOf(['auto', 'responses', 'assistants', 'completions', 'offline']),
    fallback: 'auto',
    takes: 'auto, responses, assistants, completions or offline',
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
    doc: 'The model; absent: `gpt-6-luna`. Must be set for `completions`.',
  }),
  MAX_ANSWER_TOKENS: setting({
    schema: wholeNumber(16, 1_000_000),
    fallback: '4096',
    takes: 'a whole number, 16 to 1000000',
    doc: 'The longest answer, in tokens; goes with every run.',
  }),
  HISTORY_MAX_CHARS: setting({
    schema: wholeNumber(0, 10_000_000),
    fallback: '48000',
    takes: 'a whole number, 0 to 10000000',
    doc: 'How much of the transcript a stateless upstream is told, in UTF-16 units: whole exchanges, newest first.',
  }),
  DATA_DIR: setting({
    schema: text,
    fallback: './data',
    takes: 'a folder',
    doc: 'Where the log and everything else that is kept lives. One process a folder.',
  }),
  RATE_LIMIT: setting({
    schema: rate,
    fallback: '5/1m',
    takes: 'calls per window, such as 5/1m, 100/1h or 3/2s (at most 24d), or off',
    doc: 'Posted messages per window and client address, or `off`.',
  }),
  DAILY_MESSAGES: setting({
    schema: wholeNumberOrOff(1, 1_000_000_000),
    fallback: '10000',
    takes: 'a whole number from 1, or off',
    doc: 'Messages a day (UTC) for the whole site, or `off`; a warning at 80 %.',
  }),
  MAX_LIVE_TURNS: setting({
    schema: wholeNumber(1, 100_000),
    fallback: '2000',
    takes: 'a whole number, 1 to 100000',
    doc: 'Turns in flight per process.',
  }),
  MAX_WAITING: setting({
    schema: wholeNumber(0, 1_000),
    fallback: '3',
    takes: 'a whole number, 0 to 1000',
    doc: 'Messages that may wait for one thread.',
  }),
  MAX_MESSAGE_CHARS: setting({
    schema: wholeNumber(1, 60_000),
    fallback: '4000',
    takes: 'a whole number, 1 to 60000',
    doc: 'The longest message, in UTF-16 units.',
  }),
  TRUST_PROXY: setting({
    schema: wholeNumber(0, 10),
    fallback: '0',
    takes: 'a whole number, 0 to 10',
    doc: 'How many proxies in front may be believed in `X-Forwarded-For`, counted from the right.',
  }),
  ALLOWED_ORIGINS: setting({
    schema: origins,
    fallback: '*',
    takes: '*, or exact origins, comma-separated, such as https://www.example.org (no path, no pattern)',
    doc: 'The pages that may call: exact origins, comma-separated, or `*`.',
  }),
  IDENTITY: setting({
    schema: oneOf(['open', 'signed']),
    fallback: 'open',
    takes: 'open or signed',
    doc: '`open`: a `user_id` is taken on trust. `signed`: only a session token names a visitor.',
  }),
  SESSION_SECRET: setting({
    schema: secrets,
    fallback: null,
    takes: 'a secret of at least 32 characters, or two, comma-separated: the first signs, both verify',
    doc: 'Signs session tokens. Absent: made once and kept in `DATA_DIR/session-secret`.',
    secret: true,
  }),
  SESSION_TTL: setting({
    schema: duration(1_000, 10 * YEAR_MS),
    fallback: '7d',
    takes: 'a duration of at least 1s, such as 12h or 7d',
    doc: 'Life of a session token.',
  }),
  RUN_TIMEOUT: setting({
    schema: duration(100),
    fallback: '120s',
    takes: 'a duration from 100ms to 24d, such as 120s',
    doc: 'The whole turn: waiting, retries, answer.',
  }),
  STREAM_IDLE_TIMEOUT: setting({
    schema: duration(50),
    fallback: '30s',
    takes: 'a duration from 50ms to 24d, such as 30s',
    doc: 'Longest silence of the upstream after its headers.',
  }),
  SHUTDOWN_TIMEOUT: setting({
    schema: duration(0),
    fallback: '25s',
    takes: 'a duration from 0s to 24d, such as 25s',
    doc: 'How long a stop waits for turns in flight.',
  }),
  LOG_MAX_MB: setting({
    schema: wholeNumber(1, 1_024),
    fallback: '64',
    takes: 'a whole number, 1 to 1024',
    doc: 'Size in MB at which the oldest exchanges move from `conversations.json` into `archive/`.',
  }),
  LOG_LEVEL: setting({
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    fallback: 'info',
    takes: 'trace, debug, info, warn, error or fatal',
    doc: 'What the service prints.',
  }),
} as const;

type Settings = typeof SETTINGS;
/** The checked value of every setting, by name. */
export type SettingValues = {
  readonly [N in keyof Settings]: Settings[N]['fallback'] extends null
    ? z.output<Settings[N]['schema']> | undefined
    : z.output<Settings[N]['schema']>;
};

/** What the service runs with. */
export interface Config {
  readonly settings: SettingValues;
  readonly upstream: Upstream;
  /** What the owner should know of how this is set, a sentence each. */
  readonly warnings: readonly string[];
}

/** The settings are not good. The message lists every fault, a line each, and no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(faults: readonly string[]) {
    super(`These settings need mending:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

const shown = (row: Setting, given: string): string =>
  row.secret
    ? `a text of ${given.length} characters`
    : JSON.stringify(given.replace(/\/\/[^/@]*@/g, '//…@').slice(0, 100));

/**
 * Checks the settings.
 * @param env Names and texts as in the environment; an empty text means absent.
 * @throws ConfigError that lists every fault.
 */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries<Setting>(SETTINGS)) {
    const given = env[name] || row.fallback;
    const result = given === null ? { success: true as const, data: undefined } : row.schema.safeParse(given);
    if (result.success) values[name] = result.data;
    else faults.push(`${name} is ${shown(row, given ?? '')}; it takes ${row.takes}`);
  }
  // Each value came out of the schema of its own row; only the compiler cannot follow a loop over names.
  const settings = values as SettingValues;
  const chosen = chooseUpstream({
    BACKEND: settings.BACKEND ?? 'auto',
    OPENAI_API_KEY: settings.OPENAI_API_KEY,
    OPENAI_BASE_URL: settings.OPENAI_BASE_URL,
    OPENAI_ASSISTANT_ID: settings.OPENAI_ASSISTANT_ID,
    OPENAI_MODEL: settings.OPENAI_MODEL,
  });
  if (faults.length > 0 || 'faults' in chosen) {
    throw new ConfigError([...faults, ...('faults' in chosen ? chosen.faults : [])]);
  }
  const warnings = [...chosen.warnings];
  if (settings.ALLOWED_ORIGINS === 'any') {
    warnings.push('Any website may use this service: set ALLOWED_ORIGINS to your own to change that.');
  }
  if (settings.IDENTITY === 'open') {
    warnings.push(
      'A user_id is taken on trust, so whoever knows one can go on in its conversation: use random ones, or set IDENTITY=signed.',
    );
  }
  return { settings, upstream: chosen.upstream, warnings };
};
