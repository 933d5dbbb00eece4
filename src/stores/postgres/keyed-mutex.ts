/** Work that is done one after the other where it has the same key. */
export interface Lanes {
  /** Does `work` when all that came before with this key is over. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export const createLanes = (): Lanes => {
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
