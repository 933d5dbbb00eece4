/** Keeps what is made of the exchanges behind them, without a visitor's message ever waiting for it. */
export interface Follower {
  /** Resolves when it has caught up with all that is recorded now. */
  complete(): Promise<void>;
  stop(): void;
}

export interface FollowerDeps {
  /** Works off some of what was recorded. @returns Whether there may be more. */
  readonly step: () => Promise<boolean>;
  /** How long after a change it follows, in milliseconds, so that many changes cost one write. */
  readonly afterMs: number;
  /** Calls a listener when exchanges were written. @returns Stops that. */
  readonly onChange: (listener: () => void) => () => void;
}

export const createFollower = ({ step, afterMs, onChange }: FollowerDeps): Follower => {
  let isStopped = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const run = async (): Promise<void> => {
    while (!isStopped && (await step()));
  };
  const complete = async (): Promise<void> => {
    // One that is under way may have looked before the newest came.
    await running;
    running ??= run().finally(() => {
      running = undefined;
    });
    await running;
  };
  const follow = (ms: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      // A disk that cannot be written is told by whoever must write; the next change tries again.
      complete().catch(() => undefined);
    }, ms).unref();
  };
  const unsubscribe = onChange(() => follow(afterMs));
  // What an earlier process has left.
  follow(Math.min(afterMs, 1_000));
  return {
    complete,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      unsubscribe();
    },
  };
};
