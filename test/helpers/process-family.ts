import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { platform } from 'node:os';

/** A server's processes: the first one's children are groups of their own, which no signal to a group reaches. */
export const family = (pid: number): number[] => {
  if (platform() !== 'linux') {
    const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    const pairs = all.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
    return [pid, ...pairs.flatMap(([child, parent]) => (child && parent === pid ? [child] : []))];
  }
  const parentOf = (id: string): string | undefined => {
    try {
      return /\) \S (\d+)/.exec(readFileSync(`/proc/${id}/stat`, 'latin1'))?.[1];
    } catch {
      return undefined;
    }
  };
  return [
    pid,
    ...readdirSync('/proc')
      .filter((id) => /^\d+$/.test(id) && parentOf(id) === `${pid}`)
      .map(Number),
  ];
};

/** Sends a signal to those of the processes that are still there. */
export const signalAll = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has already ended.
    }
  }
};
