import { afterEach, beforeEach } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import type { FeedbackLog, Store } from '../../../src/chat/store-port.ts';

/** A store under test, on data of its own. */
export interface StoreUnderTest {
  readonly store: Store & Partial<FeedbackLog>;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<Store & Partial<FeedbackLog>>;
  /** Closes the store and deletes its data. */
  dispose(): Promise<void>;
}

export type OpenStore = () => Promise<StoreUnderTest>;

/** Opens a store for each test of the suite it is called in. */
export const useStore = (open: OpenStore) => {
  let opened: StoreUnderTest;
  let store: StoreUnderTest['store'];
  beforeEach(async () => {
    opened = await open();
    store = opened.store;
  });
  afterEach(() => opened.dispose());
  return {
    get store() {
      return store;
    },
    reopen: async (): Promise<void> => {
      store = await opened.reopen();
    },
    finished: async (...exchanges: Exchange[]): Promise<void> => {
      for (const one of exchanges) {
        await store.accept(one);
        await store.finish(one);
      }
    },
  };
};
