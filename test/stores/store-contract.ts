import { acceptingContract } from './contract/accepting.ts';
import { exchangesContract } from './contract/exchanges.ts';
import type { OpenStore } from './contract/store-under-test.ts';
import { visitorsContract } from './contract/visitors.ts';

/** What every store does, whatever it is made of. */
export const storeContract = (name: string, open: OpenStore): void => {
  exchangesContract(name, open);
  acceptingContract(name, open);
  visitorsContract(name, open);
};
