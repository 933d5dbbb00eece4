import { setTimeout as wait } from 'node:timers/promises';
import type { UpstreamThread, Visitor } from '../chat/model.ts';
import type { Clock, Logger } from '../chat/ports.ts';
import type { AuditLine, Erasure, ErasureStore } from './erasure-port.ts';

/** Exchanges that one step erases: a step must not hold up visitors' messages. */
const STEP = 200;
/** Waits between tries to delete a thread at the provider, in milliseconds; then an operator has to. */
const WAITS_MS = [0, 5_000, 60_000, 600_000, 3_600_000, 6 * 3_600_000, 12 * 3_600_000];
const DAY_MS = 86_400_000;

/** What became of a visitor who was erased. */
export interface Erased {
  readonly exchanges: number;
  /** `pending`: the provider could not be reached; it is tried again for a day. */
  readonly thread: 'none' | 'deleted' | 'pending';
}

export interface Eraser {
  /** Erases a visitor, here and at the provider. */
  erase(visitor: Visitor, by: string): Promise<Erased>;
  /** Deletes a thread that its visitor has left, at the provider alone; tried again for a while. */
  forget(thread: UpstreamThread): void;
  /** Goes on with what an earlier process was cut off in, and erases daily what is too old. */
  start(): void;
  stop(): Promise<void>;
}

export interface EraserDeps {
  readonly store: ErasureStore;
  /** Runs work while no message of the visitor is being answered. */
  readonly alone: <T>(visitor: Visitor, work: () => Promise<T>) => Promise<T>;
  /** Deletes a thread at the provider that made it; undefined: none of ours keeps threads. */
  readonly forgetThread: ((thread: UpstreamThread) => Promise<void>) | undefined;
  /** An opaque name of a visitor, for the audit log. */
  readonly nameOf: (visitor: Visitor) => string;
  /** Milliseconds; null: nothing is too old. */
  readonly retention: number | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const createEraser = (deps: EraserDeps): Eraser => {
  const { store, clock, logger } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  const work = new Set<Promise<void>>();
  const inBackground = (what: string, run: () => Promise<void>): void => {
    const running = run()
      .catch((thrown: unknown) => {
        if (!signal.aborted)
          logger.error({ err: thrown }, `${what} failed; it is tried again at the next start`);
      })
      .finally(() => work.delete(running));
    work.add(running);
  };
  const seconds = (): number => clock.now() / 1000;

  /** @returns Whether the thread is gone. */
  const tryForget = async (thread: UpstreamThread): Promise<boolean> => {
    try {
      await deps.forgetThread?.(thread);
      return true;
    } catch (thrown) {
      logger.warn(
        { why: thrown instanceof Error ? thrown.name : 'unknown' },
        'a thread was not deleted at the provider',
      );
      return false;
    }
  };

  /** @returns Whether it is gone after all tries. */
  const keepTrying = async (thread: UpstreamThread): Promise<boolean> => {
    for (const pause of WAITS_MS.slice(1)) {
      await wait(pause, undefined, { signal, ref: false });
      if (await tryForget(thread)) return true;
    }
    logger.error({}, 'a thread could not be deleted at the provider: delete it there');
    return false;
  };

  const lineOf = (erasure: Erasure, action: AuditLine['action'], count: number): AuditLine => ({
    at: seconds(),
    by: erasure.by,
    action,
    count,
    subject: `${erasure.visitor.kind} ${deps.nameOf(erasure.visitor)}`,
  });

  /** Everything that is here. @returns How many exchanges went, those of earlier tries included. */
  const eraseHere = async ({ visitor, erased }: Erasure): Promise<number> => {
    let count = erased;
    for (;;) {
      const some = await store.eraseSome(visitor, STEP);
      if (some === 0) break;
      count += some;
    }
    await store.scrub(visitor);
    return count;
  };

  const end = async (erasure: Erasure, count: number): Promise<void> => {
    await store.endErasure(erasure.visitor, lineOf(erasure, 'erase_visitor', count));
    logger.info({ exchanges: count, by: erasure.by, kind: erasure.visitor.kind }, 'a visitor was erased');
  };

  const finishLater = (erasure: Erasure, thread: UpstreamThread, count: number): void =>
    inBackground('deleting a thread at the provider', async () => {
      if (!(await keepTrying(thread))) await store.audit(lineOf(erasure, 'thread_not_deleted', 1));
      await end(erasure, count);
    });

  const run = async (erasure: Erasure): Promise<Erased> => {
    const exchanges = await eraseHere(erasure);
    const { thread } = erasure;
    if (thread && !(await tryForget(thread))) {
      finishLater(erasure, thread, exchanges);
      return { exchanges, thread: 'pending' };
    }
    if (thread) await store.threadDeleted(erasure.visitor);
    await end(erasure, exchanges);
    return { exchanges, thread: thread ? 'deleted' : 'none' };
  };

  let isFirst = true;
  const eraseOld = async (age: number): Promise<void> => {
    const before = (clock.now() - age) / 1000;
    let count = 0;
    while (!signal.aborted) {
      const some = await store.eraseOlder(before, STEP);
      if (some === 0) break;
      count += some;
    }
    // An earlier process may have been killed after it erased, and before this.
    if (count > 0 || isFirst) await store.scrubOld(before);
    isFirst = false;
    if (count === 0) return;
    await store.audit({ at: seconds(), by: 'retention', action: 'retention', count });
    logger.info({ exchanges: count }, 'exchanges older than RETENTION were erased');
  };

  let timer: NodeJS.Timeout | undefined;
  return {
    erase: (visitor, by) =>
      deps.alone(visitor, async () => run(await store.beginErasure({ visitor, at: seconds(), by }))),
    forget: (thread) =>
      inBackground('deleting a thread at the provider', async () => {
        if ((await tryForget(thread)) || (await keepTrying(thread))) return;
        await store.audit({ at: seconds(), by: 'visitor', action: 'thread_not_deleted', count: 1 });
      }),
    start: () => {
      inBackground('going on with erasures', async () => {
        for (const erasure of await store.openErasures()) {
          await deps.alone(erasure.visitor, () => run(erasure));
        }
      });
      const { retention } = deps;
      if (retention === null) return;
      const daily = () => inBackground('erasing what is too old', () => eraseOld(retention));
      daily();
      timer = setInterval(daily, DAY_MS).unref();
    },
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await Promise.all(work);
    },
  };
};
