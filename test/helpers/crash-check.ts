import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { type Logged, logged, temporaryFolder } from './service.ts';

/** One folder with all that was acknowledged of it. */
export interface Epoch {
  readonly dir: string;
  /** The answers by exchange id. */
  readonly acknowledged: Map<string, string>;
  /** What stands in archive files that were read already; they seldom change. */
  readonly archives: Map<string, { stamp: string; entries: Logged[] }>;
  /** Session tokens of the callers that are anonymous. */
  readonly tokens: Map<number, string>;
}

/** A data folder for the first start. */
export const newEpoch = async (): Promise<Epoch> => {
  const dir = await temporaryFolder();
  // Watched before the service makes it.
  await mkdir(path.join(dir, 'archive'));
  return { dir, acknowledged: new Map(), archives: new Map(), tokens: new Map() };
};

const entriesOf = (text: string): Logged[] => {
  const whole: unknown = JSON.parse(text);
  return Object.values(whole instanceof Object ? whole : {}).flatMap((list) => logged.array().parse(list));
};

/**
 * Every acknowledged exchange is on disk once with its answer, and no id stands anywhere twice.
 * @returns How many are in the archive.
 */
export const check = async (epoch: Epoch, where: string): Promise<number> => {
  const folder = path.join(epoch.dir, 'archive');
  for (const name of await readdir(folder)) {
    const { mtimeMs, size } = await stat(path.join(folder, name));
    const stamp = `${mtimeMs} ${size}`;
    const old = epoch.archives.get(name);
    if (old?.stamp === stamp) continue;
    const entries = entriesOf(await readFile(path.join(folder, name), 'utf8'));
    epoch.archives.set(name, { stamp, entries });
  }
  const archived = [...epoch.archives.values()].flatMap(({ entries }) => entries);
  const live = entriesOf(await readFile(path.join(epoch.dir, 'conversations.json'), 'utf8'));
  const bots = new Map([...archived, ...live].map(({ id, bot }) => [id, bot]));
  expect(bots.size, `an id stands twice: ${where}`).toBe(archived.length + live.length);
  const wrong = [...epoch.acknowledged].filter(([id, answer]) => bots.get(id) !== answer);
  expect(
    wrong.map(([id]) => `${id}: ${bots.get(id)?.slice(0, 50)}`),
    `lost: ${where}`,
  ).toEqual([]);
  const failed = [...archived, ...live].filter(({ bot }) => bot === null).map(({ error }) => error);
  expect([...new Set(failed)].filter((error) => error !== 'internal_error')).toEqual([]);
  return archived.length;
};
