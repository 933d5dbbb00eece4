import { test } from 'vitest';
import { exportMany } from '../ops/big-export.ts';

const EXCHANGES = Number(process.env.EXCHANGES ?? 1_000_000);

test(
  `an export of ${EXCHANGES} exchanges takes no more memory than one of a few`,
  {
    timeout: 1_800_000,
  },
  () => exportMany(EXCHANGES),
);
