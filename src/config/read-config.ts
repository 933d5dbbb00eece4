import { SETTINGS, type Setting, type SettingValues } from './settings-table.ts';
import { chooseUpstream, type Remote, type Upstream } from './upstream-choice.ts';

/** What the service runs with. */
export interface Config {
  readonly settings: SettingValues;
  readonly upstream: Upstream;
  /** The second upstream, if there is one. */
  readonly fallback: Remote | undefined;
  /** What the owner should know of how this is set, a sentence each. */
  readonly warnings: readonly string[];
}

/** The settings are not good. The message lists every fault, a line each, and no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(faults: readonly string[]) {
    super(`Invalid settings:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

/** What was given, for the message: never a secret, nor the credentials or the query of a URL. */
const shown = (row: Setting, given: string): string =>
  row.secret
    ? `a text of ${given.length} characters${oddCharacter(given)}`
    : JSON.stringify(
        given
          .replace(/\/\/.*@/, '//…@')
          .replace(/\?.*$/s, '?…')
          .slice(0, 100),
      );

/** The first character that no secret holds: curly quotes, zero-width and other letters come with copying. */
const oddCharacter = (given: string): string => {
  const [odd] = /[^\x20-\x7e]/u.exec(given) ?? [];
  if (odd === undefined) return '';
  const point = odd.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return `, of which number ${given.indexOf(odd) + 1} is U+${point}`;
};

/**
 * Checks the settings.
 * @param env Names and texts as in the environment; an empty text means absent.
 * @param file The assistant file, if there is one.
 * @throws ConfigError that lists every fault.
 */
export const readConfig = (
  env: Readonly<Record<string, string | undefined>>,
  file?: { readonly model: string | undefined },
): Config => {
  const faults: string[] = [];
  const refused = new Set<string>();
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries<Setting>(SETTINGS)) {
    const given = env[name] || row.fallback;
    const result = given === null ? { success: true as const, data: undefined } : row.schema.safeParse(given);
    if (result.success) values[name] = result.data;
    else {
      refused.add(name);
      faults.push(`${name} is ${shown(row, given ?? '')}; it takes ${row.takes}`);
    }
  }
  // Each value came out of the schema of its own row; only the compiler cannot follow a loop over names.
  const settings = values as SettingValues;
  const first = chooseUpstream({
    backend: settings.BACKEND ?? 'auto',
    apiKey: settings.OPENAI_API_KEY,
    baseUrl: settings.OPENAI_BASE_URL,
    assistantId: settings.OPENAI_ASSISTANT_ID,
    model: settings.OPENAI_MODEL,
    file,
  });
  const second = chooseFallback(settings, file);
  if (settings.DATABASE_URL !== undefined && !settings.SESSION_SECRET && !refused.has('SESSION_SECRET')) {
    faults.push(
      'SESSION_SECRET must be set where DATABASE_URL is: a token from one process must be good at all others',
    );
  }
  if (settings.MODERATION === 'openai' && !settings.OPENAI_API_KEY && !refused.has('OPENAI_API_KEY')) {
    faults.push('OPENAI_API_KEY must be set where MODERATION is openai');
  }
  if (settings.DAILY_COST && !settings.PRICES && !refused.has('PRICES')) {
    faults.push('PRICES must be set where DAILY_COST is: without them nothing costs anything');
  }
  // What follows from a setting that is refused anyway would only mislead.
  const upstreamRefused = [...refused].some((name) => /^(BACKEND|OPENAI_|FALLBACK_)/.test(name));
  for (const choice of upstreamRefused ? [] : [first, second]) {
    if (choice && 'faults' in choice) faults.push(...choice.faults);
  }
  if (faults.length > 0 || 'faults' in first || (second && 'faults' in second)) throw new ConfigError(faults);

  const fallback = second?.upstream.kind === 'offline' ? undefined : second?.upstream;
  const warnings = [...first.warnings, ...(second?.warnings ?? []), ...openness(settings)];
  return { settings, upstream: first.upstream, fallback, warnings };
};

const chooseFallback = (
  settings: SettingValues,
  file: { readonly model: string | undefined } | undefined,
) => {
  const {
    FALLBACK_BACKEND,
    FALLBACK_API_KEY: apiKey,
    FALLBACK_BASE_URL: baseUrl,
    FALLBACK_MODEL: model,
  } = settings;
  if (!FALLBACK_BACKEND && !apiKey && !baseUrl && !model) return undefined;
  // Without key and address it is OpenAI that lacks a key, not the offline assistant.
  const backend =
    FALLBACK_BACKEND && FALLBACK_BACKEND !== 'auto' ? FALLBACK_BACKEND : baseUrl ? 'auto' : 'responses';
  return chooseUpstream({ backend, apiKey, baseUrl, assistantId: undefined, model, file }, 'FALLBACK_');
};

const openness = (settings: SettingValues): string[] => {
  const warnings: string[] = [];
  if (settings.ALLOWED_ORIGINS === 'any') {
    warnings.push('Any website may use this service: set ALLOWED_ORIGINS to your own.');
  }
  if (settings.IDENTITY === 'open') {
    warnings.push(
      'Anyone who knows a user_id can read on in its conversation: use random ones, or set IDENTITY=signed.',
    );
  }
  return warnings;
};

/** The values of all settings that are secrets: what no log line may show. */
export const secretsIn = (settings: SettingValues): string[] => {
  const values: Readonly<Record<string, unknown>> = settings;
  const password = settings.DATABASE_URL === undefined ? '' : new URL(settings.DATABASE_URL).password;
  return Object.entries<Setting>(SETTINGS)
    .flatMap(([name, row]) => (row.secret ? [values[name]].flat() : []))
    .concat(password, decodeURIComponent(password))
    .filter((value) => typeof value === 'string' && value !== '')
    .map(String);
};
