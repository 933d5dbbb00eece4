import type { Calendar } from '../calendar.ts';
import type { Axis } from './charts.ts';
import { RANGES, type RangeName } from './query.ts';

const HOUR_S = 3_600;

/** A range of time cut into hours or days, with the range of the same length before it. */
export interface Period extends Axis {
  /** Seconds since 1970: one more than there are labels. */
  readonly edges: readonly number[];
  /** The same of the period before. */
  readonly before: readonly number[];
}

/** Up to a week by hours, else by days of the owner's zone; the current hour or day is the last. */
export const periodOf = (range: RangeName, calendar: Calendar, now: number): Period =>
  range === '24h' || range === '7d'
    ? byHour(RANGES[range] * 24, calendar, now)
    : byDay(RANGES[range], calendar, now);

const byHour = (hours: number, { timeZone }: Calendar, now: number): Period => {
  const end = (Math.floor(now / 1000 / HOUR_S) + 1) * HOUR_S;
  const start = end - hours * HOUR_S;
  const edges = Array.from({ length: hours + 1 }, (_, n) => start + n * HOUR_S);
  const name = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    ...(hours > 24 && { weekday: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
  });
  const labels = edges.slice(0, -1).map((edge) => name.format(edge * 1000));
  return { unit: 'hour', labels, edges, before: edges.map((edge) => edge - hours * HOUR_S) };
};

const byDay = (days: number, calendar: Calendar, now: number): Period => {
  const today = calendar.dayOf(now);
  const startOf = (offset: number): number => calendar.startOf(calendar.addDays(today, offset)) ?? 0;
  const edges = Array.from({ length: days + 1 }, (_, n) => startOf(n - days + 1));
  const name = new Intl.DateTimeFormat('en-GB', {
    timeZone: calendar.timeZone,
    day: 'numeric',
    month: 'short',
  });
  // Noon: a day may begin at one o'clock where the clocks change at midnight.
  const labels = edges.slice(0, -1).map((edge) => name.format((edge + 12 * HOUR_S) * 1000));
  return { unit: 'day', labels, edges, before: edges.map((_, n) => startOf(n - 2 * days + 1)) };
};
