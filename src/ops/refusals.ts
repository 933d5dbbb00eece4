import type { Clock, Logger } from '../chat/ports.ts';
import type { OpsCounts } from './ops-port.ts';

/** How long refusals are gathered before they are written, in milliseconds: a flood must not cost a write each. */
const GATHER_MS = 5_000;

/** Counts refused calls for the overview. */
export interface Refusals {
  count(code: string): void;
  /** Writes what is left. */
  stop(): Promise<void>;
}

export const createRefusals = ({
  store,
  clock,
  logger,
}: {
  store: Pick<OpsCounts, 'addRefused'>;
  clock: Clock;
  logger: Logger;
}): Refusals => {
  let counts: Record<string, number> = {};
  let timer: NodeJS.Timeout | undefined;
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const gathered = counts;
    counts = {};
    if (Object.keys(gathered).length === 0) return;
    await store.addRefused(clock.now() / 1000, gathered).catch((thrown: unknown) => {
      logger.debug({ err: thrown }, 'refused calls could not be counted');
    });
  };
  return {
    count: (code) => {
      counts[code] = (counts[code] ?? 0) + 1;
      timer ??= setTimeout(() => void flush(), GATHER_MS).unref();
    },
    stop: flush,
  };
};
