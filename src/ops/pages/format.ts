import type { Visitor } from '../../chat/model.ts';
import type { Change } from './figures.ts';

/** How numbers, times and visitors look on the pages. */

export const number = (value: number): string => Math.round(value).toLocaleString('en');

/** `950`, `12.4k`, `3.1M`. */
export const short = (value: number): string => {
  if (value < 10_000) return number(value);
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 100_000 ? 1 : 0)}k`;
  return `${(value / 1e6).toFixed(value < 100e6 ? 1 : 0)}M`;
};

/** Milliseconds for people: `340 ms`, `2.4 s`, `1 min 12 s`. */
export const span = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
};

/** Millionths of the owner's currency. */
export const money = (micros: number): string => {
  const amount = micros / 1e6;
  return amount.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: amount < 1 ? 4 : 2 });
};

export const percent = (share: number): string =>
  `${(share * 100).toFixed(share > 0.995 && share < 1 ? 2 : share > 0.1 && share < 0.995 ? 0 : 1).replace(/\.0+$/, '')} %`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

/** `just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the date. @param at Seconds since 1970. @param now Milliseconds. */
export const ago = (at: number, now: number): string => {
  const passed = now / 1000 - at;
  if (passed < 45) return 'just now';
  if (passed < 3_600) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 86_400) return `${Math.round(passed / 3_600)} h ago`;
  if (passed < 7 * 86_400) return `${Math.round(passed / 86_400)} d ago`;
  return new Date(at * 1000).toISOString().slice(0, 10);
};

/** `2026-03-01 14:05 UTC`; the pages' script puts the reader's own zone in its place. */
export const exact = (at: number): string =>
  `${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Times of a log that nobody can put on a calendar are not shown as one. */
export const isTime = (at: number): boolean => Math.abs(at) < 8.6e12 / 1_000 && at > 0;

/** A visitor in a few characters. */
export const visitorLabel = ({ kind, id }: Visitor, name?: string): string => {
  if (name !== undefined) return name;
  if (kind !== 'anonymous') return id;
  return id === '' ? 'Earlier anonymous' : `Anonymous ${id.slice(0, 8)}`;
};

export const KIND_TITLES: Record<Visitor['kind'], string> = {
  user: 'Named by a user_id on trust',
  verified: 'Verified by the site',
  anonymous: 'Anonymous session',
};

/** `+12 %`, `−0.4 s`. */
export const changeText = (change: Change): string =>
  change.by === 0 ? 'no change' : `${change.by > 0 ? '+' : '−'}${change.text}`;
