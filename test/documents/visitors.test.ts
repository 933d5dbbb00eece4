import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { runCommand } from '../commands/helper.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startDatabases } from '../helpers/postgres.ts';
import { SHIPPING, startWith } from './documents-service.ts';

const databases = await startDatabases();
afterAll(() => databases.dispose());

/** Words that only the visitor says. */
const SECRET = ['xylophonist', 'kumquat'];
const ANN = 'ann-of-green-gables';
const settings = { EMBEDDING_MODEL: 'm', QUERY_REWRITE: 'true' };

const talk = async (env: Record<string, string>) => {
  const both = await startWith(
    { 'shipping.md': SHIPPING },
    { env: { ...settings, ...env }, emulator: { answer: () => 'As a xylophonist you pay 4.90 [1].' } },
  );
  for (const message of [`Do you send a ${SECRET[1]} to Austria?`, `And to a ${SECRET[0]}?`])
    await both.service.post({ user_id: ANN, message });
  // So that this shows something: the search has had the words.
  expect(both.emulator.calls.embeddings).toBeGreaterThan(2);
  expect(both.emulator.calls.completions).toBe(1);
  await both.service.stop();
  return both;
};
const wordsIn = (text: string): string[] => [...SECRET, ANN].filter((word) => text.includes(word));

it('documents keep nothing of visitors in SQLite, so that there is nothing to export or erase', async () => {
  const { service } = await talk({});
  const files = await readdir(service.dir);
  const textOf = async (names: readonly string[]): Promise<string> =>
    (await Promise.all(names.map((name) => readFile(path.join(service.dir, name), 'latin1')))).join('\n');
  const own = files.filter((name) => name.startsWith('documents.db'));
  const conversations = await textOf(['conversations.json']);
  expect(wordsIn(conversations)).toEqual([...SECRET, ANN]);
  expect(await textOf(own)).toContain('Parcels to Austria');
  expect(wordsIn(await textOf(own))).toEqual([]);
  const before = await textOf(own);
  const erased = await runCommand('erase', ['user', ANN, '--yes'], { env: { DATA_DIR: service.dir } });
  expect(erased).toMatchObject({ code: 0 });
  expect(await textOf(own)).toBe(before);
});

it('documents keep nothing of visitors in Postgres', async () => {
  const url = await databases.newDatabase();
  await talk({ DATABASE_URL: url, SESSION_SECRET: 's'.repeat(32) });
  const sql = postgres(withOurTables(url), { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  const tables = z
    .array(z.object({ name: z.string() }))
    .parse([
      ...(await sql`select tablename as name from pg_tables where tablename like 'tp_document%' order by 1`),
    ]);
  expect(tables.length).toBeGreaterThanOrEqual(6);
  let text = '';
  for (const { name } of tables)
    text += JSON.stringify(await sql.unsafe(`select own::text from ${name} own`));
  expect(text).toContain('Parcels to Austria');
  expect(wordsIn(text)).toEqual([]);
});
