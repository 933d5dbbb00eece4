/** Hands things over from where they are called out to where they are asked for, one at a time. */
export interface Handover<T> {
  /** Waits until it is taken. @returns Whether more is wanted. */
  give(one: T): Promise<boolean>;
  end(): void;
  fail(thrown: unknown): void;
  /** What is given. @throws What `fail` was told. */
  taken(): AsyncGenerator<T>;
  /** Wants no more. */
  stop(): void;
}

export const createHandover = <T>(): Handover<T> => {
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
    async *taken() {
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
