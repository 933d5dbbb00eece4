/** The load generator, as the benches see it. */

import { join } from 'node:path';
import type { Target } from './call.ts';
import { startWorker } from './children.ts';

/** What the generator is to do. */
export interface Job {
  readonly how: 'warm' | 'closed' | 'open' | 'crowd';
  readonly target: Target;
  readonly visitors: readonly string[];
  /** How many call at the same time (`warm`, `closed`). */
  readonly callers: number;
  /** Messages a second (`open`). */
  readonly rate: number;
  /** For how long calls are started. */
  readonly forMs: number;
}

/** What came of it; times in milliseconds. */
export interface Load {
  answered: number;
  /** From the first call to the last answer. */
  ms: number;
  totals: number[];
  firsts: number[];
  /** The most streams that were there at once (`crowd`). */
  peak: number;
  failed: number;
  /** The first few reasons. */
  faults: string[];
}

export interface Generator {
  run(job: Partial<Job> & Pick<Job, 'how' | 'target' | 'visitors'>): Promise<Load>;
  stop(): Promise<void>;
}

/** @param tolerant Faults are told instead of thrown. */
export const startGenerator = ({ tolerant = false } = {}): Generator => {
  const worker = startWorker(join(import.meta.dirname, 'load-child.ts'));
  return {
    run: async (job) => {
      // Only load-child.ts answers.
      const load = (await worker.ask({ callers: 32, rate: 100, forMs: 1_000, ...job }, 120_000)) as Load;
      if (load.failed > 0 && !tolerant) {
        throw new Error(`${load.failed} calls (${job.target.form}) failed: ${load.faults.join('; ')}`);
      }
      return load;
    },
    stop: () => worker.stop(),
  };
};

export const visitorsOf = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, n) => `${name}-${n}`);
