import { renameSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from './events.ts';
import type { TestService } from './service.ts';

export const databaseOf = ({ dir }: { dir: string }): string => path.join(dir, 'thread-proxy.db');

/** Status and body of /readyz. */
export const readiness = async (service: Pick<TestService, 'url'>) => {
  const response = await fetch(`${service.url}/readyz`);
  return { status: response.status, text: await response.text() };
};

export const untilReady = (service: Pick<TestService, 'url'>, status: 200 | 503) =>
  until(async () => (await readiness(service)).status === status, `readyz says ${status}`);

/**
 * Puts another file where the database is: from then on nothing is written there, not even by root.
 * Gives what mends it.
 */
export const breakDisk = async (service: TestService): Promise<() => Promise<void>> => {
  const database = databaseOf(service);
  await writeFile(`${database}.block`, 'in the way');
  // In one step: the service would make the database again in between.
  renameSync(database, `${database}.away`);
  renameSync(`${database}.block`, database);
  await untilReady(service, 503);
  return async () => {
    await rename(`${database}.away`, database);
    await untilReady(service, 200);
  };
};
