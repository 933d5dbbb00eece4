import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { visitorsOf } from './load.ts';
import type { Bench } from './report.ts';
import { onStage } from './stage.ts';

const VISITORS = 2_000;
/** So slow that all are there before the first ends, on two cores too. */
const PACE_MS = 200;
const MOST_MB = 400;

/** Resident memory in MB: the most there was and what there is; macOS tells only the latter. */
const memoryOf = (pid: number): { peak: number; now: number } => {
  if (process.platform !== 'linux') {
    const now = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
    return { peak: now, now };
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  return { peak: field('VmHWM'), now: field('VmRSS') };
};

/** Two thousand visitors at once on one process, each with a line of its own. */
const crowdOf =
  (form: 'stream' | 'socket', what: string): Bench =>
  ({ quick }) =>
    onStage({ pace: PACE_MS, tolerant: true }, async ({ service, generator, target }) => {
      let whole = 0;
      let peak = 0;
      const faults: string[] = [];
      const rounds = quick ? 1 : 3;
      for (let round = 0; round < rounds; round++) {
        const visitors = visitorsOf(VISITORS, 'crowd');
        const load = await generator.run({ how: 'crowd', target: target(form), visitors, forMs: 2_000 });
        whole += load.answered;
        peak = Math.max(peak, load.peak);
        faults.push(...load.faults);
      }
      for (const fault of faults.slice(0, 3)) console.error(`  ${what} failed: ${fault}`);
      const memory = memoryOf(service.pid);
      const dropped = rounds * VISITORS - whole;
      return [
        {
          what: `${what} at once (${peak} at the peak)`,
          measured: `${whole} whole`,
          baseline: '—',
          target: `${dropped} dropped / 0`,
          ok: dropped === 0 && peak === VISITORS,
        },
        {
          what: `resident memory with ${what}, the most`,
          measured: `${Math.round(memory.peak)} MB (now ${Math.round(memory.now)})`,
          baseline: '—',
          target: `at most ${MOST_MB} MB`,
          ok: memory.peak <= MOST_MB,
        },
      ];
    });

/** As server-sent events. */
export const streams = crowdOf('stream', 'streams');

/** Over WebSockets. */
export const sockets = crowdOf('socket', 'WebSockets');
