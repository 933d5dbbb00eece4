import { SETTINGS } from './settings-table.ts';

/** Settings of other programs for the same thing, by our name. Those after `|` count only in `.env`: others use them, too. */
const NEIGHBOURS: Readonly<Record<string, string>> = {
  ALLOWED_ORIGINS:
    'ALLOWED_ORIGIN CORS_ORIGIN CORS_ORIGINS CORS_ALLOWED_ORIGINS CORS_ALLOW_ORIGINS | ORIGIN ORIGINS',
  DAILY_MESSAGES: 'DAILY_LIMIT DAILY_MESSAGE_LIMIT MAX_DAILY_MESSAGES',
  DATABASE_URL: 'POSTGRES_URL POSTGRES_URI POSTGRESQL_URL DATABASE_URI PG_URL | DB_URL',
  LOG_LEVEL: 'LOGLEVEL LOGGING_LEVEL',
  MAX_ANSWER_TOKENS: 'OPENAI_MAX_TOKENS | MAX_TOKENS MAX_OUTPUT_TOKENS MAX_COMPLETION_TOKENS',
  OPENAI_API_KEY:
    'OPENAI_KEY OPENAI_TOKEN OPENAI_SECRET_KEY OPENAI_API_TOKEN AZURE_OPENAI_API_KEY AZURE_OPENAI_KEY | API_KEY LLM_API_KEY',
  OPENAI_ASSISTANT_ID: 'ASSISTANT_ID OPENAI_ASSISTANT ASSISTANT_KEY | ASSISTANT',
  OPENAI_BASE_URL:
    'OPENAI_API_BASE OPENAI_API_BASE_URL OPENAI_API_URL OPENAI_URL OPENAI_ENDPOINT OPENAI_HOST AZURE_OPENAI_ENDPOINT | BASE_URL LLM_BASE_URL',
  OPENAI_MODEL:
    'OPENAI_MODEL_NAME OPENAI_API_MODEL OPENAI_MODEL_ID OPENAI_CHAT_MODEL GPT_MODEL AZURE_OPENAI_DEPLOYMENT AZURE_OPENAI_DEPLOYMENT_NAME | MODEL MODEL_NAME LLM_MODEL',
  PUBLIC_ORIGIN: 'PUBLIC_URL | APP_URL SITE_URL',
  RATE_LIMIT:
    'RATE_LIMIT_PER_MINUTE RATE_LIMIT_MAX RATE_LIMIT_WINDOW RATE_LIMIT_WINDOW_MS RATE_LIMIT_MAX_REQUESTS RATE_LIMIT_REQUESTS RATELIMIT MAX_REQUESTS_PER_MINUTE',
  RUN_TIMEOUT: 'OPENAI_TIMEOUT | REQUEST_TIMEOUT',
  SESSION_SECRET: '| JWT_SECRET JWT_SECRET_KEY SECRET_KEY',
  TRUST_PROXY: 'TRUSTED_PROXY PROXY_COUNT NUM_PROXIES',
};

/** Settings of other programs that have no counterpart, with what to know instead. */
const WITHOUT_COUNTERPART: Readonly<Record<string, string>> = {
  OPENAI_ORG: 'a key belongs to one organization and project',
  OPENAI_ORGANIZATION: 'a key belongs to one organization and project',
  OPENAI_API_VERSION: 'the base URL …/openai/v1 needs no version',
  AZURE_OPENAI_API_VERSION: 'the base URL …/openai/v1 needs no version',
  GROQ_API_KEY: 'set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for any provider',
  MISTRAL_API_KEY: 'set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for any provider',
  GEMINI_API_KEY: 'set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for any provider',
  ANTHROPIC_API_KEY: 'set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for any provider',
  DEEPSEEK_API_KEY: 'set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for any provider',
  OPENROUTER_API_KEY: 'set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for any provider',
};

/** Shorter names of the environment are too likely to be meant for another program. */
const LONG_ENOUGH = 8;

const KNOWN = Object.keys(SETTINGS);
const folded = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');

/** Whether two names differ by one letter: another one, one more, one less, or two that changed places. */
const isOneEditAway = (a: string, b: string): boolean => {
  if (a.length < b.length) return isOneEditAway(b, a);
  if (a.length - b.length > 1 || a === b) return false;
  let at = 0;
  while (a[at] === b[at]) at++;
  const same = (offsetA: number, offsetB: number) => a.slice(at + offsetA) === b.slice(at + offsetB);
  if (a.length > b.length) return same(1, 0);
  return same(1, 1) || (a[at] === b[at + 1] && a[at + 1] === b[at] && same(2, 2));
};

const neighbourOf = (name: string, isInFile: boolean): string | undefined =>
  Object.entries(NEIGHBOURS).find(([, list]) => {
    const names = isInFile ? list : (list.split('|')[0] ?? '');
    return names.split(' ').includes(name);
  })?.[0];

const meant = (name: string, isInFile: boolean): string | undefined => {
  const near = KNOWN.find((known) => folded(known) === folded(name) || isOneEditAway(known, name));
  if (near && (isInFile || near.length >= LONG_ENOUGH)) return near;
  return neighbourOf(name, isInFile);
};

/**
 * Names that somebody set for us and that we do not know: misspelt ones, and those of similar programs.
 * @param inFile The names that come from `.env`: these are meant for us, while the environment is everybody's.
 * @returns A sentence each; never a value.
 */
export const misnamedSettings = (
  env: Readonly<Record<string, string | undefined>>,
  inFile: ReadonlySet<string>,
): string[] =>
  Object.keys(env)
    .filter((name) => env[name] && !KNOWN.includes(name))
    .toSorted()
    .flatMap((name) => {
      const advice = inFile.has(name) || name.startsWith('OPENAI_') ? WITHOUT_COUNTERPART[name] : undefined;
      if (advice !== undefined) return `${name} is not a setting of this service: ${advice}.`;
      const setting = meant(name, inFile.has(name));
      // Where ours is set as well, the other is somebody else's.
      if (setting === undefined || env[setting]) return [];
      return `${name} is not a setting of this service: did you mean ${setting}?`;
    });
