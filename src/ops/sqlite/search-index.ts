/** Texts that one write puts into the index: a few milliseconds of the writer's time. */
const STEP = 250;
/** How long after a change the index follows, in milliseconds, so that many changes cost one write. */
const FOLLOW_MS = 1_000;

/** Keeps the search index behind the texts, without a visitor's message ever waiting for it. */
export interface SearchIndex {
  /** Resolves when all that is recorded now can be found. */
  complete(): Promise<void>;
  stop(): void;
}

/**
 * @param step Indexes at most so many texts, and says how many there were.
 * @param onChange Calls a listener when exchanges were written. @returns Stops that.
 */
export const createSearchIndex = (
  step: (limit: number) => Promise<number>,
  onChange: (listener: () => void) => () => void,
): SearchIndex => {
  let isStopped = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const run = async (): Promise<void> => {
    while (!isStopped && (await step(STEP)) === STEP);
  };
  const complete = async (): Promise<void> => {
    // One that is under way may have looked before the newest came.
    await running;
    running ??= run().finally(() => {
      running = undefined;
    });
    await running;
  };
  const follow = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      // A disk that cannot be written is told by whoever must write; the next change tries again.
      complete().catch(() => undefined);
    }, FOLLOW_MS).unref();
  };
  const unsubscribe = onChange(follow);
  follow();
  return {
    complete,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      unsubscribe();
    },
  };
};
