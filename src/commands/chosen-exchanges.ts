/** What an export or erasure at the command line needs of the store. */

import { readConfig } from '../config/read-config.ts';
import type { SettingValues } from '../config/settings-table.ts';
import { type OpenedStore, openStore } from '../open-store.ts';
import { createCalendar } from '../ops/calendar.ts';
import { exportAs, FORMATS } from '../ops/export-forms.ts';
import { logEntry } from '../ops/log-entry.ts';
import type { ExchangeFilter } from '../ops/ops-port.ts';
import { FolderInUseError } from '../stores/sqlite/lock.ts';
import { type Environment, Refusal, type Surroundings, UsageError, warningsOnly } from './command.ts';

/** Which exchanges, and how they are written. */
export interface Choice {
  readonly format: (typeof FORMATS)[number];
  readonly filter: ExchangeFilter;
}

/** What the arguments say; undefined: nothing. @throws UsageError */
export const choiceOf = (
  {
    since,
    until,
    format,
  }: { since?: string | undefined; until?: string | undefined; format?: string | undefined },
  env: Environment,
): Choice | undefined => {
  if (since === undefined && until === undefined && format === undefined) return undefined;
  const known = FORMATS.find((one) => one === (format ?? 'json'));
  if (!known) throw new UsageError(`--format takes ${FORMATS.join(', ')}`);
  const calendar = createCalendar(env.TZ);
  const day = (name: string, text: string): number => {
    const start = /^\d{4}-\d\d-\d\d$/.test(text) ? calendar.startOf(text) : undefined;
    if (start === undefined || Number.isNaN(start))
      throw new UsageError(`--${name} takes a day such as 2026-01-31`);
    return start;
  };
  const from = since === undefined ? undefined : day('since', since);
  if (until !== undefined) day('until', until);
  const to = until === undefined ? undefined : day('until', calendar.addDays(until, 1));
  return {
    format: known,
    filter: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
  };
};

/** Opens the store of the settings for a while. @throws Refusal where it is in use, or cannot be had. */
export const withStore = async <T>(
  { env, warn }: Pick<Surroundings, 'env' | 'warn'>,
  work: (opened: OpenedStore, settings: SettingValues) => Promise<T>,
): Promise<T> => {
  // The assistant's file is of no matter here.
  const { settings } = readConfig(env, { model: 'unknown' });
  const clock = { now: () => Date.now() };
  const opened = await openStore({ settings, isProduction: true, clock, logger: warningsOnly(warn) }).catch(
    (thrown: unknown) => {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      const isServed = thrown instanceof FolderInUseError;
      throw new Refusal(isServed ? `${reason} Use the page /ops of the service, or stop it first.` : reason);
    },
  );
  try {
    return await work(opened, settings);
  } finally {
    await opened.store.close();
  }
};

/** The chosen exchanges as text, piece by piece. */
export const withPieces = (
  { format, filter }: Choice,
  { env, signal, warn }: Pick<Surroundings, 'env' | 'signal' | 'warn'>,
  work: (pieces: AsyncIterable<string>) => Promise<void>,
): Promise<void> =>
  withStore({ env, warn }, ({ opsStore }) => {
    const pieces = exportAs(format, filter, { reads: opsStore, logEntry, now: Date.now() });
    return work(untilAborted(pieces, signal));
  });

async function* untilAborted(pieces: AsyncIterable<string>, signal: AbortSignal): AsyncGenerator<string> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    yield piece;
  }
}
