/** The load generator. Each job is answered with one object. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Called, call as callHttp, makeConversation, type Target } from './call.ts';
import { answerJobs } from './children.ts';
import type { Job, Load } from './load.ts';
import { callSocket, makeSession } from './socket-call.ts';

const MAX_FAULTS_TOLD = 3;

const gather = () => {
  const load: Load = { answered: 0, ms: 0, totals: [], firsts: [], peak: 0, failed: 0, faults: [] };
  const began = performance.now();
  return {
    load,
    add: ({ ms, firstMs, fault }: Called): void => {
      load.ms = performance.now() - began;
      if (fault !== undefined) {
        load.failed += 1;
        if (load.faults.length < MAX_FAULTS_TOLD) load.faults.push(fault);
        return;
      }
      load.answered += 1;
      load.totals.push(ms);
      if (firstMs !== undefined) load.firsts.push(firstMs);
    },
  };
};

const call = (target: Target, visitor: string, onFirst = () => {}): Promise<Called> => {
  const { form, ...rest } = target;
  return form === 'socket'
    ? callSocket(target, visitor, onFirst)
    : callHttp({ ...rest, form }, visitor, onFirst);
};

/** Each visitor says one thing, so that its thread is made. */
const warm = async (target: Target, visitors: readonly string[], callers: number): Promise<Load> => {
  const { load, add } = gather();
  const waiting = [...visitors];
  const caller = async (): Promise<void> => {
    for (let visitor = waiting.pop(); visitor !== undefined; visitor = waiting.pop()) {
      if (target.form === 'upstream') await makeConversation(target.url, visitor);
      add(await call(target, visitor));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return load;
};

/** So many callers, each with the next message as soon as it has an answer. */
const closed = async (target: Target, visitors: readonly string[], callers: number, forMs: number) => {
  const { load, add } = gather();
  const until = performance.now() + forMs;
  const caller = async (first: number): Promise<void> => {
    // A caller's visitors are its own: none waits for another's turn.
    for (let n = first; performance.now() < until; n = (n + callers) % visitors.length) {
      add(await call(target, visitors[n] ?? ''));
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, first) => caller(first)));
  return load;
};

/** So many messages a second, whether the earlier ones are answered or not. */
const open = async (target: Target, visitors: readonly string[], rate: number, forMs: number) => {
  const { load, add } = gather();
  const began = performance.now();
  const calls: Promise<void>[] = [];
  for (let n = 0; n < (rate * forMs) / 1000; n++) {
    const wait = began + (n * 1000) / rate - performance.now();
    if (wait > 0) await sleep(wait);
    calls.push(call(target, visitors[n % visitors.length] ?? '').then(add));
  }
  await Promise.all(calls);
  return load;
};

/** All visitors at once, a stream each, started within `forMs`. */
const crowd = async (target: Target, visitors: readonly string[], forMs: number): Promise<Load> => {
  if (target.form === 'socket') for (const visitor of visitors) await makeSession(target.url, visitor);
  const { load, add } = gather();
  const began = performance.now();
  let live = 0;
  const visit = async (visitor: string, n: number): Promise<void> => {
    await sleep(Math.max(0, began + (n * forMs) / visitors.length - performance.now()));
    let streaming = false;
    const called = await call(target, visitor, () => {
      streaming = true;
      live += 1;
      load.peak = Math.max(load.peak, live);
    });
    if (streaming) live -= 1;
    add(called);
  };
  await Promise.all(visitors.map(visit));
  return load;
};

answerJobs(async (job) => {
  // Only load.ts sends jobs.
  const { how, target, visitors, callers, rate, forMs } = job as Job;
  switch (how) {
    case 'warm':
      return warm(target, visitors, callers);
    case 'closed':
      return closed(target, visitors, callers, forMs);
    case 'open':
      return open(target, visitors, rate, forMs);
    case 'crowd':
      return crowd(target, visitors, forMs);
  }
});
