import type { RunDetails } from './model.ts';

/** Collects how a run goes, for operators. */
export interface RunRecorder {
  asked(backend: string, model: string | undefined): void;
  called(names: readonly string[]): void;
  /** The run has started, after waiting in the queue. */
  started(): void;
  spoke(): void;
  details(model?: string): RunDetails;
}

/** @param now Milliseconds since 1970; the message came when this is called. */
export const recordRun = (backend: string, now: () => number): RunRecorder => {
  const accepted = now();
  let asked: { backend: string; model?: string } = { backend };
  const tools: string[] = [];
  let queuedMs: number | undefined;
  let firstWordMs: number | undefined;
  return {
    asked: (name, model) => {
      asked = { backend: name, ...(model === undefined ? {} : { model }) };
    },
    called: (names) => tools.push(...names),
    started: () => {
      queuedMs = now() - accepted;
    },
    spoke: () => {
      firstWordMs ??= now() - accepted;
    },
    details: (model) => ({
      ...asked,
      ...(model === undefined ? {} : { model }),
      ...(queuedMs === undefined ? {} : { queuedMs }),
      ...(firstWordMs === undefined ? {} : { firstWordMs }),
      totalMs: now() - accepted,
      ...(tools.length > 0 ? { tools } : {}),
    }),
  };
};
