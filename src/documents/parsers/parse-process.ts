/**
 * The process in which documents are parsed: it may not write, connect or start anything, and has no secrets. Its
 * main thread watches what the parsing thread costs; a thread alone would not do, as what it unpacks counts to no
 * thread's limit.
 */
import { Worker } from 'node:worker_threads';
import type { ParseOutcome, ParseTask } from './parse-worker.ts';

const LOOK_MS = 25;
const MB = 1024 * 1024;

const tell = (outcome: ParseOutcome): void => {
  process.send?.(outcome, undefined, undefined, () => {
    if (outcome.type === 'spoilt') process.exit(1);
  });
};

let worker: Worker | undefined;
let watch: NodeJS.Timeout | undefined;
const startWorker = (heapMb: number): Worker => {
  const started = new Worker(new URL('./parse-worker.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
  started.on('message', (outcome: ParseOutcome) => {
    clearInterval(watch);
    tell(outcome);
  });
  started.on('error', () => tell({ type: 'spoilt', reason: 'needs too much memory' }));
  return started;
};

process.on('message', (task: ParseTask) => {
  worker ??= startWorker(Math.round(task.limits.maxMemory / MB));
  const before = process.memoryUsage.rss();
  watch = setInterval(() => {
    if (process.memoryUsage.rss() - before < task.limits.maxMemory) return;
    clearInterval(watch);
    tell({ type: 'spoilt', reason: 'needs too much memory' });
  }, LOOK_MS);
  worker.postMessage(task);
});
process.on('disconnect', () => process.exit(0));
