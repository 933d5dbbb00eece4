import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { describeIndex, passage, source } from './index-contract.ts';

const open = async (file: string) => {
  const index = await openSqliteIndex(file);
  onTestFinished(() => index.close());
  return index;
};

describeIndex('the index in SQLite', async () => open(path.join(await temporaryFolder(), 'documents.db')));

it('two processes share the index in SQLite', async () => {
  const file = path.join(await temporaryFolder(), 'documents.db');
  const one = await open(file);
  const other = await open(file);
  await Promise.all([
    one.put(source('a'), [passage('p1', 'one')]),
    other.put(source('b'), [passage('q1', 'two')]),
  ]);
  await one.close();
  expect(await other.sources()).toHaveLength(2);
});

it('an index of a newer release is refused with what to do', async () => {
  const file = path.join(await temporaryFolder(), 'documents.db');
  await (await open(file)).close();
  const db = new DatabaseSync(file);
  db.exec('insert into document_versions values (1000)');
  db.close();
  await expect(openSqliteIndex(file)).rejects.toThrow('Start the newer release again');
});

it('a file that is no index is refused', async () => {
  await expect(openSqliteIndex(path.join(await temporaryFolder(), 'no/such/folder.db'))).rejects.toThrow();
});
