interface Asked<A, R> {
  readonly one: A;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Answers many at once: what is asked in the same moment, or while the answer before is on its way, goes together.
 * @param deps.keyOf Only those with the same key go together.
 * @param deps.run Gives the results in the order of what was asked.
 */
export const createBatches = <A, R>(deps: {
  keyOf: (one: A) => string;
  run: (asked: readonly A[]) => Promise<readonly R[]>;
}): { ask(one: A): Promise<R> } => {
  const waiting = new Map<string, Asked<A, R>[]>();

  const work = async (key: string): Promise<void> => {
    // Whoever asks in the same turn of the event loop comes along.
    await undefined;
    for (;;) {
      const asked = waiting.get(key) ?? [];
      if (asked.length === 0) break;
      waiting.set(key, []);
      try {
        const results = await deps.run(asked.map(({ one }) => one));
        for (const [index, result] of results.entries()) asked[index]?.resolve(result);
      } catch (thrown) {
        for (const { reject } of asked) reject(thrown);
      }
    }
    waiting.delete(key);
  };

  return {
    ask: (one) =>
      new Promise((resolve, reject) => {
        const asked = { one, resolve, reject };
        const key = deps.keyOf(one);
        const others = waiting.get(key);
        if (others) {
          others.push(asked);
          return;
        }
        waiting.set(key, [asked]);
        void work(key);
      }),
  };
};
