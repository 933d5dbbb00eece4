import { afterAll, onTestFinished } from 'vitest';
import { openPostgresIndex } from '../../src/documents/index/postgres-index.ts';
import { connectForDocuments } from '../../src/stores/postgres/documents-database.ts';
import { startDatabases } from '../helpers/postgres.ts';
import { memoryLogger } from '../stores/sqlite/helper.ts';
import { describeIndex } from './index-contract.ts';

const databases = await startDatabases();
afterAll(() => databases.dispose());

describeIndex('the index in Postgres', async () => {
  const database = await connectForDocuments({ url: await databases.newSchema(), logger: memoryLogger() });
  const index = await openPostgresIndex(database);
  onTestFinished(() => index.close());
  return index;
});
