import { z } from 'zod';

/**
 * The kinds of value a setting can have; those that name a host, a URL or an address are in address-kinds.ts. Each is a zod
 * schema from the text of the environment to the value, described by what it takes: the end of "NAME takes …".
 */

/** Printable characters of ASCII: what a header can carry, and a keyboard can type. */
const ASCII = /^[ -~]*$/;

/** Longest time a Node.js timer can wait: 2^31 - 1 ms, about 24.8 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const isUnit = (unit: string): unit is keyof typeof UNIT_MS => Object.hasOwn(UNIT_MS, unit);

/** `30s`, `500ms`, `7d`, `0` → milliseconds; undefined where the text is no duration. */
const milliseconds = (text: string): number | undefined => {
  if (text === '0') return 0;
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2];
  return match && unit && isUnit(unit) ? Number(match[1]) * UNIT_MS[unit] : undefined;
};

/** `1000` → `1s`: the largest unit that holds it in whole numbers; what a timer can wait at most → `24d`. */
const durationText = (ms: number): string => {
  if (ms === 0) return '0';
  if (ms === MAX_TIMER_MS) return '24d';
  const [unit = 'ms', size = 1] = Object.entries(UNIT_MS).findLast(([, size]) => ms % size === 0) ?? [];
  return `${ms / size}${unit}`;
};

/** `a, b or c`. */
const listText = (words: readonly string[], last: 'and' | 'or'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;

/** A text that `read` turns into a value; undefined means that it is not good. */
export const readWith = <T>(read: (text: string) => T | undefined) =>
  z.string().transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: 'not good' });
    return z.NEVER;
  });

/** A whole number within bounds. */
export const wholeNumber = (min: number, max: number) =>
  readWith((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  }).describe(`a whole number, ${min} to ${max}`);

/** A duration in milliseconds; where a timer waits for it, `max` must stay below 24.8 days. */
export const duration = (min: number, max: number = MAX_TIMER_MS) =>
  readWith((text) => {
    const value = milliseconds(text);
    return value !== undefined && value >= min && value <= max ? value : undefined;
  }).describe(
    `a duration from ${durationText(min)} to ${durationText(max)}, such as ${max > MAX_TIMER_MS ? '12h or 7d' : '30s or 5m'}`,
  );

/** A whole number, or `off` (null). */
export const wholeNumberOrOff = (min: number, max: number) =>
  z
    .union([readWith((text) => (text === 'off' ? null : undefined)), wholeNumber(min, max)])
    .describe(`a whole number from ${min}, or off`);

/** How many calls a window holds. */
export interface Rate {
  readonly limit: number;
  /** Length of the window in milliseconds. */
  readonly windowMs: number;
}

const readRate = (text: string): Rate | undefined => {
  const match = /^(\d{1,9})\/(\d{1,9}(?:ms|s|m|h|d))$/.exec(text.trim());
  const windowMs = milliseconds(match?.[2] ?? '');
  const limit = Number(match?.[1]);
  return windowMs && windowMs <= MAX_TIMER_MS && limit >= 1 ? { limit, windowMs } : undefined;
};

/** `5/1m` → five calls in each window of one minute; several with commas: all hold; `off` → null. */
export const rates = readWith((text): { rates: readonly Rate[] | null } | undefined => {
  if (text === 'off') return { rates: null };
  const listed = text.split(',').flatMap((rate) => readRate(rate) ?? []);
  return listed.length === text.split(',').length ? { rates: listed } : undefined;
})
  .transform((boxed) => boxed.rates)
  .describe('calls per window, such as 5/1m, 3/2s or 5/1m,60/1h (at most 24d), or off');

/** Secrets of at least 32 characters, comma-separated. */
export const secrets = (max: number) =>
  readWith((text): readonly string[] | undefined => {
    const listed = text.split(',').map((secret) => secret.trim());
    const good = (secret: string) => secret.length >= 32 && ASCII.test(secret);
    return listed.length <= max && listed.every(good) ? listed : undefined;
  }).describe(`secrets of at least 32 characters each, comma-separated, at most ${max}`);

/** One secret of at least 32 characters. */
export const secret = z
  .string()
  .min(32)
  .regex(/^[!-+\--~]+$/)
  .describe('a secret of at least 32 characters, without spaces and commas');

/** A key as a provider issues it. A quote, a space or an invisible character came along when it was copied. */
export const apiKey = z
  .string()
  .regex(/^(?!.*["'`])[!-~]+$/)
  .describe('an API key: letters, digits and signs of ASCII, without spaces or quotes');

/** `true` or `false`. */
export const yesOrNo = z
  .enum(['true', 'false'])
  .transform((word) => word === 'true')
  .describe('true or false');

/** A number from 0.01 with at most two decimals, or `off` (null). */
export const amountOrOff = readWith((text): { amount: number | null } | undefined => {
  if (text === 'off') return { amount: null };
  return /^\d{1,9}(\.\d{1,2})?$/.test(text) && Number(text) > 0 ? { amount: Number(text) } : undefined;
}).transform(({ amount }) => amount);

/** What a million tokens of a model cost. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** `gpt-6-luna=0.2/0.8,*=1/4`: what a million tokens in and out cost, by model. */
export const prices = readWith((text): ReadonlyMap<string, Price> | undefined => {
  const found = new Map<string, Price>();
  for (const entry of text.split(',')) {
    const match = /^\s*([^\s=,]{1,128})=(\d{1,6}(?:\.\d{1,6})?)\/(\d{1,6}(?:\.\d{1,6})?)\s*$/.exec(entry);
    if (!match?.[1]) return undefined;
    found.set(match[1], { input: Number(match[2]), output: Number(match[3]) });
  }
  return found;
});

/** A secret of the Standard Webhooks specification: `whsec_` and the base64 of 24 to 64 bytes. */
export const webhookSecret = readWith((text) => {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1] ?? '';
  const key = Buffer.from(base64, 'base64');
  return key.toString('base64') === base64 && key.length >= 24 && key.length <= 64 ? text : undefined;
});

/** A duration, or `off` (null). */
export const durationOrOff = (min: number, max: number) =>
  z.union([z.literal('off').transform(() => null), duration(min, max)]);

/** A few of some words, comma-separated; `off`: none. */
export const someOrOff = <const T extends string>(words: readonly T[]) =>
  z.union([z.literal('off').transform((): readonly T[] => []), someOf(words)]);

/** One of a few words. */
export const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words).describe(listText(words, 'or'));

/** A few of some words, comma-separated, each once; `all` or `none` of them. */
export const someOf = <const T extends string>(words: readonly T[]) => {
  const isWord = (text: string): text is T & string => words.some((word) => word === text);
  return readWith((text): readonly T[] | undefined => {
    if (text === 'all') return words;
    if (text === 'none') return [];
    const listed = new Set(text.split(',').map((word) => word.trim()));
    return [...listed].every(isWord) ? words.filter((word) => listed.has(word)) : undefined;
  }).describe(`all, none, or some of ${listText(words, 'and')}, comma-separated`);
};

/** Any text on one line, without invisible characters. */
export const text = z.string().regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u);
