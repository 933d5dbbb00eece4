import { erasingContract } from './contract/erasing.ts';
import { listsContract } from './contract/lists.ts';
import type { OpenOps } from './contract/ops-under-test.ts';
import { overviewContract } from './contract/overview.ts';

/** What every store does for operators, whatever it is made of. */
export const opsStoreContract = (name: string, open: OpenOps): void => {
  listsContract(name, open);
  overviewContract(name, open);
  erasingContract(name, open);
};
