import { logUnavailable } from '../../errors.ts';

interface Waiting {
  readonly enter: () => void;
  readonly isPatient: boolean;
}

/** A bounded number of connections, and a bounded queue for them. */
export interface ConnectionQueue {
  /**
   * Waits for a free connection, which `leave` gives back.
   * @param isPatient Waits as long as it takes, and uses at most half of the connections.
   * @throws AppError `log_unavailable` where the queue is full, or the wait takes too long.
   */
  enter(isPatient: boolean): Promise<void>;
  leave(isPatient: boolean): void;
  /** How many wait for a connection. */
  waiting(): number;
  /** Resolves when no connection is in use. */
  idle(): Promise<void>;
}

export const createConnectionQueue = (limits: {
  connections: number;
  maxQueued: number;
  queueMs: number;
}): ConnectionQueue => {
  const { connections, maxQueued, queueMs } = limits;
  const forPatient = Math.max(1, Math.floor(connections / 2));
  const hurried: Waiting[] = [];
  const patient: Waiting[] = [];
  let used = 0;
  let usedByPatient = 0;
  let whenIdle: PromiseWithResolvers<void> | undefined;

  const isFree = (isPatient: boolean): boolean =>
    used < connections && (!isPatient || usedByPatient < forPatient);
  const admit = (isPatient: boolean): void => {
    used += 1;
    if (isPatient) usedByPatient += 1;
  };
  const admitNext = (): void => {
    for (;;) {
      const queue = [patient, hurried].find((one) => one[0] && isFree(one[0].isPatient));
      const next = queue?.shift();
      if (!next) return;
      admit(next.isPatient);
      next.enter();
    }
  };

  return {
    enter: (isPatient) => {
      if (isFree(isPatient)) {
        admit(isPatient);
        return Promise.resolve();
      }
      const queue = isPatient ? patient : hurried;
      if (isPatient) return new Promise((enter) => queue.push({ enter, isPatient }));
      if (queue.length >= maxQueued) {
        const cause = new Error(`${maxQueued} statements wait for the database already`);
        return Promise.reject(logUnavailable({ cause }));
      }
      return new Promise((resolve, reject) => {
        const enter = (): void => {
          clearTimeout(timer);
          resolve();
        };
        const waiting = { enter, isPatient };
        const timer = setTimeout(() => {
          queue.splice(queue.indexOf(waiting), 1);
          reject(logUnavailable({ cause: new Error(`no connection was free for ${queueMs} ms`) }));
        }, queueMs);
        queue.push(waiting);
      });
    },
    leave: (isPatient) => {
      used -= 1;
      if (isPatient) usedByPatient -= 1;
      admitNext();
      if (used === 0) whenIdle?.resolve();
    },
    waiting: () => hurried.length + patient.length,
    idle: async () => {
      if (used === 0) return;
      whenIdle ??= Promise.withResolvers();
      await whenIdle.promise;
    },
  };
};
