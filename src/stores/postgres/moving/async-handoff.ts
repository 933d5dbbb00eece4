/** Passes values from a producer that pushes to a consumer that pulls, one at a time. */
export interface AsyncHandoff<T> {
  /** Waits until the consumer has it. @returns Whether it wants more. */
  give(one: T): Promise<boolean>;
  end(): void;
  fail(thrown: unknown): void;
  /** The values that are given. @throws What `fail` was given. */
  values(): AsyncGenerator<T>;
  /** The consumer wants no more. */
  stop(): void;
}

export const createAsyncHandoff = <T>(): AsyncHandoff<T> => {
  type Next = { readonly one: T } | { readonly thrown: unknown } | undefined;
  let offered = Promise.withResolvers<Next>();
  let wanted = Promise.withResolvers<boolean>();
  return {
    give: (one) => {
      offered.resolve({ one });
      return wanted.promise;
    },
    end: () => offered.resolve(undefined),
    fail: (thrown) => offered.resolve({ thrown }),
    async *values() {
      for (;;) {
        const next = await offered.promise;
        if (next === undefined) return;
        if ('thrown' in next) throw next.thrown;
        yield next.one;
        offered = Promise.withResolvers();
        const { resolve } = wanted;
        wanted = Promise.withResolvers();
        resolve(true);
      }
    },
    stop: () => wanted.resolve(false),
  };
};
