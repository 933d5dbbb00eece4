import { logUnavailable } from '../../errors.ts';

interface Waiting {
  readonly enter: () => void;
  readonly isPatient: boolean;
}

/** A bounded number of places, and a bounded queue for them. */
export interface Gate {
  /**
   * Waits for a place, which is to be left.
   * @param isPatient Waits as long as it takes, and leaves half of the places to those in a hurry.
   * @throws AppError `log_unavailable` where the queue is full, or the wait takes too long.
   */
  enter(isPatient: boolean): Promise<void>;
  leave(isPatient: boolean): void;
  /** Resolves when nobody is inside. */
  idle(): Promise<void>;
}

export const createGate = (limits: { places: number; maxQueued: number; queueMs: number }): Gate => {
  const { places, maxQueued, queueMs } = limits;
  const patientPlaces = Math.max(1, Math.floor(places / 2));
  const hurried: Waiting[] = [];
  const patient: Waiting[] = [];
  let inside = 0;
  let patientInside = 0;
  let whenIdle: PromiseWithResolvers<void> | undefined;

  const isFree = (isPatient: boolean): boolean =>
    inside < places && (!isPatient || patientInside < patientPlaces);
  const admit = (isPatient: boolean): void => {
    inside += 1;
    if (isPatient) patientInside += 1;
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
      inside -= 1;
      if (isPatient) patientInside -= 1;
      admitNext();
      if (inside === 0) whenIdle?.resolve();
    },
    idle: async () => {
      if (inside === 0) return;
      whenIdle ??= Promise.withResolvers();
      await whenIdle.promise;
    },
  };
};
