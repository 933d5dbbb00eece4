/** Runs work one after the other where it has the same key. */
export interface KeyedMutex {
  /** Runs `work` when all earlier work with this key is over. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export const createKeyedMutex = (): KeyedMutex => {
  const last = new Map<string, Promise<unknown>>();
  return {
    run: (key, work) => {
      const before = last.get(key);
      const result = before ? before.then(work, work) : work();
      const over = result
        .catch(() => undefined)
        .then(() => {
          if (last.get(key) === over) last.delete(key);
        });
      last.set(key, over);
      return result;
    },
  };
};
