/** In seconds this is the year 5138; in milliseconds it is 1973, before there was any log. */
const MILLISECONDS_FROM = 1e11;
const MICROSECONDS_FROM = 1e14;
const NANOSECONDS_FROM = 1e17;

/** A time of a log in seconds: JavaScript counts milliseconds, databases micro- and nanoseconds. */
export const inSeconds = (time: number): number => {
  if (time >= NANOSECONDS_FROM) return time / 1e9;
  if (time >= MICROSECONDS_FROM) return time / 1e6;
  return time >= MILLISECONDS_FROM ? time / 1e3 : time;
};

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(\.\d+)?\d* ?(Z|UTC|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * A time as logs write it: a number, one in quotes, or ISO 8601, which without a zone is in UTC.
 * @returns The number as it is, ISO times in seconds; undefined where it is no time.
 */
export const readTime = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d{1,19}(\.\d+)?$/.test(text)) return Number(text);
  const [, day, time = '00:00', fraction = '', zone = 'Z'] = ISO.exec(text) ?? [];
  if (day === undefined) return undefined;
  const at = Date.parse(
    `${day}T${time.length === 5 ? `${time}:00` : time}${/^(Z|UTC)$/i.test(zone) ? 'Z' : zone.replace(/^(...):?/, '$1:')}`,
  );
  // Date has no more than milliseconds.
  return Number.isNaN(at) ? undefined : at / 1_000 + Number(`0${fraction}`);
};
