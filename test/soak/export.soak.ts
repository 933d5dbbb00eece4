import { test } from 'vitest';
import { downloadMany, exportMany } from '../ops/big-export.ts';

const EXCHANGES = Number(process.env.EXCHANGES ?? 1_000_000);

test(
  `an export of ${EXCHANGES} exchanges takes no more memory than one of a few`,
  {
    timeout: 1_800_000,
  },
  () => exportMany(EXCHANGES),
);

test.runIf(process.platform === 'linux')(
  `a download of ${EXCHANGES} exchanges takes the service no more memory than one of a few`,
  { timeout: 3_600_000 },
  async () => {
    const megabytes = await downloadMany(EXCHANGES);
    process.stderr.write(`${JSON.stringify(megabytes)}\n`);
  },
);
