import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readByTime } from '../../../src/stores/json/folder-by-time.ts';
import type { FolderExchange } from '../../../src/stores/json/folder-log.ts';
import { tempFolder } from './helper.ts';

const one = (timestamp: number, id?: string, user = `at ${timestamp}`) => ({
  user,
  bot: 'b',
  timestamp,
  ...(id !== undefined && { id }),
});

/** A folder with these files in its archive, and the last one as its live log. */
const folderOf = async (...files: object[]): Promise<string> => {
  const dir = await tempFolder();
  await mkdir(join(dir, 'archive'));
  for (const [at, log] of files.entries()) {
    const name = at === files.length - 1 ? 'conversations.json' : `archive/2026-01-${at + 1}.json`;
    await writeFile(join(dir, name), JSON.stringify(log));
  }
  return dir;
};

const read = async (dir: string, pages = readByTime(dir)): Promise<FolderExchange[]> => {
  const found: FolderExchange[] = [];
  for await (const page of pages()) found.push(...page);
  return found;
};

describe('the exchanges of a folder', () => {
  test('come by time from all files, however these overlap', async () => {
    const dir = await folderOf(
      { bob: [one(5), one(9)], eve: [one(1)] },
      { bob: [one(2), one(3), one(12)] },
      { eve: [one(20)] },
      { bob: [one(4), one(30)], eve: [one(6)] },
    );
    const times = (await read(dir)).map(({ key, stored }) => `${key} ${stored.timestamp}`);
    const [first, second] = [
      ['eve 1', 'bob 2', 'bob 3', 'bob 4', 'bob 5'],
      ['eve 6', 'bob 9', 'bob 12', 'eve 20', 'bob 30'],
    ];
    expect(times).toEqual([...first, ...second]);
  });

  test('stay in the order of their file under one key, whatever their clocks said', async () => {
    const dir = await folderOf({ bob: [one(10), one(3), one(11)], eve: [one(9), one(10.5)] });
    const times = (await read(dir)).map(({ stored }) => stored.timestamp);
    expect(times).toEqual([9, 10, 3, 10.5, 11]);
  });

  test('come in the order of the files where they are of one time', async () => {
    const dir = await folderOf(
      { bob: [one(5, 'a')] },
      { bob: [one(5, 'b'), one(7, 'c')] },
      { bob: [one(1, 'd'), one(5, 'e'), one(7, 'f')] },
    );
    expect((await read(dir)).map(({ id }) => id)).toEqual(['d', 'a', 'b', 'e', 'c', 'f']);
  });

  test('come once where they stand twice, and each with an id of its own', async () => {
    const dir = await folderOf(
      { bob: [one(1, 'x'), one(2, 'twice')], eve: [one(3, 'x')] },
      { bob: [one(2, 'twice'), one(4, 'x', 'another'), one(5), one(6, 'x')] },
    );
    const pages = readByTime(dir);
    const found = await read(dir, pages);
    expect(found.map(({ stored }) => stored.timestamp)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(6);
    expect(found.every(({ id, fields }) => fields.id === id)).toBe(true);
    expect(found.slice(0, 2).map(({ id }) => id)).toEqual(['x', 'twice']);
    expect(found[2]?.fields.older_id).toBe('x');
    // The same ones each time: a move that was cut off finds them again.
    expect(await read(dir, pages)).toEqual(found);
    expect(await read(dir)).toEqual(found);
  });

  test('are none in a folder without a log, or with an empty one', async () => {
    expect(await read(await tempFolder())).toEqual([]);
    const dir = await folderOf({});
    await writeFile(join(dir, 'archive/2025-01.json'), '');
    expect(await read(dir)).toEqual([]);
  });

  test('do not come at all where one file is not valid', async () => {
    const dir = await folderOf({ bob: [one(1)] }, { bob: [one(2)] });
    await writeFile(join(dir, 'archive/2026-01-5.json'), '{"bob": [\n{"user": 1}]}');
    await expect(read(dir)).rejects.toThrow(/2026-01-5\.json is not valid: line 2/);
  });
});
