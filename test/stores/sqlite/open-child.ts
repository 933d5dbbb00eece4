// Opens the store in the folder that is named first, tells so or why not, and lives until it is killed.
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { now: () => Date.now() };
const dir = process.argv[2] ?? '';
const told = await openSqliteStore({ dir, maxBytes: 1e6, clock, logger: silent }).then(
  () => 'open',
  (error) => String(error),
);
writeSync(1, `${told}\n`);
setInterval(() => undefined, 1000);
