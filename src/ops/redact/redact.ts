import { isIPv6 } from 'node:net';
import { ibanLength, isCard, isIban } from './checks.ts';
import { maskPhones } from './phones.ts';

/** What can be masked. */
export const KINDS = ['email', 'phone', 'card', 'iban', 'ip'] as const;
export type RedactKind = (typeof KINDS)[number];

/** Masks a text; a text that was masked stays as it is. */
export type Redact = (text: string) => string;

const EMAIL =
  /(?<![\p{L}\p{N}._%+@/-])[\p{L}\p{N}][\p{L}\p{N}._%+'-]{0,63}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+\p{L}{2,24}(?![\p{L}\p{N}@-])/gu;

const maskEmails: Redact = (text) => (text.includes('@') ? text.replace(EMAIL, '[email]') : text);

/** Whole, or in the groups in which cards print them: fours, or 4-6-5 and 4-6-4. */
const CARD =
  /(?<![\p{L}\p{N}_]|\d[.,-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![\p{L}\p{N}_]|[.,-]\d)/gu;

const maskCards: Redact = (text) =>
  text.replace(CARD, (match) => (isCard(match.replace(/\D/g, '')) ? '[card]' : match));

/** The start of an IBAN; how long it is depends on its country. */
const IBAN_START = /(?<![\p{L}\p{N}_])[a-z]{2}\d{2}(?=[ -]?[\da-z])/giu;

/** The text of an IBAN that starts at `start`, in one piece or in groups; undefined where there is none. */
const ibanAt = (text: string, start: number): string | undefined => {
  const length = ibanLength(text.slice(start, start + 2));
  if (length === undefined) return undefined;
  let found = '';
  let end = start;
  for (; found.length < length && end < text.length; end++) {
    const char = text[end] ?? '';
    if (/[\da-z]/i.test(char)) found += char;
    // A space or hyphen between two groups, and no more.
    else if (!/[ \u00a0-]/.test(char) || !/[\da-z]/i.test(text[end + 1] ?? '')) return undefined;
  }
  const isWhole = found.length === length && !/[\p{L}\p{N}_]/u.test(text[end] ?? '');
  return isWhole && isIban(found) ? text.slice(start, end) : undefined;
};

const maskIbans: Redact = (text) => {
  let masked = '';
  let done = 0;
  for (const { index } of text.matchAll(IBAN_START)) {
    if (index < done) continue;
    const iban = ibanAt(text, index);
    if (iban === undefined) continue;
    masked += `${text.slice(done, index)}[iban]`;
    done = index + iban.length;
  }
  return masked + text.slice(done);
};

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`(?<![\\p{L}\\p{N}_.-])${OCTET}(?:\\.${OCTET}){3}(?![\\p{L}\\p{N}_-]|\\.\\d)`, 'gu');
/** Four numbers after these are a version, or a part of a text. */
const NUMBERED =
  /(?:\bv(?:er(?:sion|si[oó]n|s[aã]o)?)?|\brelease|\bbuild|\bfirmware|\bsection|\bchapter|\bclause|\bkapitel|\babschnitt|§)[\s.:#]*$/iu;
const IPV6 = /(?<![\p{L}\p{N}_:.])[\da-f:]{2,39}(?:[.\d]{0,15})(?![\p{L}\p{N}_:])/giu;

/** At least three groups, or a known start: `a::b` may be code. */
const isPlainIPv6 = (text: string): boolean =>
  isIPv6(text) &&
  /\d/.test(text) &&
  (text.split(':').filter(Boolean).length >= 3 || /^(?:f[ed]|2)/i.test(text));

const maskAddresses: Redact = (text) => {
  const masked = text.replace(IPV4, (match, index: number) =>
    NUMBERED.test(text.slice(Math.max(0, index - 12), index)) ? match : '[ip]',
  );
  return masked.includes(':')
    ? masked.replace(IPV6, (match) => {
        const address = match.replace(/[.:]$/, (end) => (match.endsWith('::') ? end : ''));
        return isPlainIPv6(address) ? `[ip]${match.slice(address.length)}` : match;
      })
    : masked;
};

/** In this order: what is surest first, so that a part of it is not taken for something else. */
const MASKS: readonly (readonly [RedactKind, Redact])[] = [
  ['email', maskEmails],
  ['iban', maskIbans],
  ['card', maskCards],
  ['ip', maskAddresses],
  ['phone', maskPhones],
];

/** Masks these kinds with `[email]`, `[phone]`, … Conservative: what may be an order number or a date stays. */
export const createRedact = (kinds: readonly RedactKind[]): Redact => {
  const masks = MASKS.filter(([kind]) => kinds.includes(kind)).map(([, mask]) => mask);
  return (text) => masks.reduce((masked, mask) => mask(masked), text);
};
