import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { startDatabases } from '../helpers/postgres.ts';
import { startEmulator, startService, temporaryFolder } from '../helpers/service.ts';
import { runCommand } from './helper.ts';

const databases = await startDatabases();
afterAll(() => databases.dispose());

/** A data folder with a conversation, and documents that are embedded. */
const folderWithBoth = async () => {
  const cwd = await temporaryFolder();
  const DATA_DIR = path.join(cwd, 'data');
  const emulator = await startEmulator();
  await mkdir(path.join(cwd, 'shop'));
  await writeFile(path.join(cwd, 'shop/shipping.md'), '# Shipping\n\nParcels to Austria cost 4.90 euros.');
  const env = { DATA_DIR, EMBEDDING_MODEL: 'm', EMBEDDING_BASE_URL: emulator.url };
  expect(await runCommand('documents', ['add', 'shop'], { cwd, env })).toMatchObject({ code: 0 });
  const service = await startService({ DATA_DIR });
  await service.post({ user_id: 'ann', message: 'Hello' });
  return { cwd, DATA_DIR, service };
};

const wholeOf = async (file: string) => {
  const index = await openSqliteIndex(file);
  try {
    const sources = await index.sources();
    return {
      sources,
      passages: await Promise.all(sources.map(({ id }) => index.passagesOf(id))),
      vectors: (await index.vectors('m', 0, 10)).map(({ id, vector }) => ({ id, vector })),
    };
  } finally {
    await index.close();
  }
};

describe('documents', () => {
  it('go along in a backup, also while the service runs', async () => {
    const { cwd, DATA_DIR } = await folderWithBoth();
    const { code, stdout } = await runCommand('backup', ['copy.db'], { cwd, env: { DATA_DIR } });
    expect(code).toBe(0);
    expect(stdout).toContain('copy.documents.db has its documents');
    const again = await runCommand('backup', ['copy.db'], { cwd, env: { DATA_DIR } });
    expect(again.stderr).toContain('is there already');
    await copyFile(path.join(cwd, 'copy.documents.db'), path.join(cwd, 'restored.db'));
    const whole = await wholeOf(path.join(cwd, 'restored.db'));
    expect(whole).toEqual(await wholeOf(path.join(DATA_DIR, 'documents.db')));
    expect(whole.vectors).toHaveLength(1);
  });

  it('go along in a move to Postgres and back, with ids and vectors', async () => {
    const { cwd, DATA_DIR, service } = await folderWithBoth();
    await service.stop();
    const url = await databases.newDatabase();
    const out = await runCommand('move', ['--from', DATA_DIR, '--to', url]);
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(out.stdout).toContain('documents 1 with 1 passages and 1 vectors');
    const asked = await runCommand('documents', ['ask', 'parcel to Austria'], {
      cwd,
      env: { DATABASE_URL: url, SESSION_SECRET: 's'.repeat(32) },
    });
    expect(asked.stdout).toContain('4.90 euros');
    const back = path.join(cwd, 'back');
    expect(await runCommand('move', ['--from', url, '--to', back])).toMatchObject({ code: 0, stderr: '' });
    expect(await wholeOf(path.join(back, 'documents.db'))).toEqual(
      await wholeOf(path.join(DATA_DIR, 'documents.db')),
    );
  });
});
