import type { RunEvent } from './backend-port.ts';
import type { RunDetails } from './model.ts';
import type { Clock } from './ports.ts';

/** Measures a turn, in the turn itself: an answer's stream ends long after its request's handler has returned. */
export interface RunClock {
  /** The run begins. */
  started(): void;
  /** Sees each of the run's events. */
  saw(event: RunEvent): void;
  /** How it went, up to now. */
  details(): RunDetails;
}

/**
 * @param since When the message came: seconds since 1970.
 * @param backend Who answers as far as is known before the run says so.
 */
export const createRunClock = (clock: Clock, since: number, backend: string): RunClock => {
  const passed = (): number => Math.max(0, Math.round(clock.now() - since * 1000));
  let by: { backend: string; model?: string } = { backend };
  let queuedMs: number | undefined;
  let firstWordMs: number | undefined;
  const tools: string[] = [];
  return {
    started: () => {
      queuedMs = passed();
    },
    saw: (event) => {
      if (event.type === 'delta') firstWordMs ??= passed();
      else if (event.type === 'by')
        by = { backend: event.backend, ...(event.model && { model: event.model }) };
      else if (event.type === 'called') tools.push(...event.names);
    },
    details: () => ({
      ...by,
      ...(queuedMs === undefined ? {} : { queuedMs }),
      ...(firstWordMs === undefined ? {} : { firstWordMs }),
      totalMs: passed(),
      ...(tools.length > 0 ? { tools } : {}),
    }),
  };
};
