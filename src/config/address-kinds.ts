import { isIP } from 'node:net';
import { z } from 'zod';
import { readWith } from './value-kinds.ts';

/** The kinds of value that name a host, a URL, an origin or a range of addresses; the others are in value-kinds.ts. */

/** The URL of a proxy, which may carry a user name and a password. */
export const proxyUrl = readWith((text) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : undefined,
).describe('the http or https URL of a proxy, such as http://proxy.example.org:3128');

/** A pattern is a valid URL, too; it would never match. */
const isExactOrigin = (text: string): boolean => !text.includes('*') && URL.parse(text)?.origin === text;

/** One exact origin. */
export const origin = readWith((text) => (isExactOrigin(text) ? text : undefined)).describe(
  'an exact origin, such as https://chat.example.org (no path)',
);

/** Exact origins (`https://www.example.org`), comma-separated; `*` → `any`. */
export const origins = readWith((text): 'any' | readonly string[] | undefined => {
  if (text === '*') return 'any';
  const listed = text.split(',').map((origin) => origin.trim());
  return listed.every(isExactOrigin) ? listed : undefined;
}).describe('*, or exact origins, comma-separated, such as https://www.example.org (no path, no pattern)');

/** What `loopback` and `private` mean where addresses are asked for. */
const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    // Shared address space: the inner networks of some hosting platforms.
    '100.64.0.0/10',
    'fc00::/7',
    'fe80::/10',
  ],
};

const isAddressRange = (text: string): boolean => {
  const [address = '', prefix, ...more] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits === -1 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
};

/** Addresses and CIDRs, comma-separated, with `loopback` and `private` for those ranges. */
export const addressRanges = readWith((text): readonly string[] | undefined => {
  const ranges = text
    .split(',')
    .map((range) => range.trim())
    .flatMap((range) => (Object.hasOwn(NAMED_RANGES, range) ? (NAMED_RANGES[range] ?? []) : [range]));
  return ranges.every(isAddressRange) ? ranges : undefined;
}).describe('loopback, private, addresses and CIDRs, comma-separated, such as loopback,203.0.113.0/24');

/** An http(s) address without query and without credentials, which would end up in logs. */
export const httpUrl = readWith((text) => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const good =
    ['http:', 'https:'].includes(url.protocol) && !url.search && !url.hash && !url.username && !url.password;
  return good ? text.replace(/\/+$/, '') : undefined;
}).describe('an http or https URL, such as https://api.groq.com/openai/v1');

/** The address of a Postgres database. */
export const postgresUrl = readWith((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['postgres:', 'postgresql:'].includes(url.protocol) || url.host === '') return undefined;
  // An unescaped / # or ? in a password moves its end, up to the @ before the host, out of where it belongs.
  if (/[@#]/.test(text.replace(/^\w+:\/\/[^/?#]*/, ''))) return undefined;
  try {
    decodeURIComponent(url.username + url.password);
    return text;
  } catch {
    return undefined;
  }
});

/** A schema of a Postgres database, written without quotes. */
export const schemaName = z.string().regex(/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/);

/** `off`, `openai`, or the URL of a server of one's own. */
export const moderation = z.union([z.enum(['off', 'openai']), httpUrl]);
