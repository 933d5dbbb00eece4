import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openMovingStore } from '../../src/stores/postgres/moving/moving.ts';
import { openPostgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { runMain } from '../helpers/child-service.ts';
import { exchange, user } from '../helpers/exchanges.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore as openPostgres, storeDeps } from '../stores/postgres/helper.ts';
import { eventually, idsInDatabase, memoryLogger, openStore } from '../stores/sqlite/helper.ts';
import { runCommand, startCommand } from './helper.ts';
import { allIn, factsIn, move } from './moving.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const VISITORS = 150;
const EACH = 40;

/** A folder with so much in it that a move can be cut off in the middle. */
const largeFolder = async (root: string): Promise<string> => {
  const dir = path.join(root, 'large');
  await mkdir(dir, { recursive: true });
  const lists = Array.from({ length: VISITORS }, (_, visitor): [string, object[]] => [
    `visitor ${visitor}`,
    Array.from({ length: EACH }, (__, place) => ({
      user: `message ${place}`,
      bot: `answer ${place}, and a few words more`,
      timestamp: 1_600_000_000 + place * 86_400 + visitor,
      id: `${visitor}-${place}`,
    })),
  ]);
  await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(Object.fromEntries(lists)));
  return dir;
};

const notesIn = async (url: string) => {
  const mover = await openMovingStore({ url, wait: 0, logger: memoryLogger() });
  onTestFinished(() => mover.close());
  return mover;
};

/** A move into the database that was killed with some of the exchanges there. */
const killedOnTheWay = async (dir: string, url: string): Promise<void> => {
  const notes = await notesIn(url);
  const child = await startCommand('move', ['--from', dir, '--to', url]);
  await eventually(async () => ((await notes.counts()).exchanges > 0 ? true : undefined), 30_000);
  child.kill('SIGKILL');
  expect(await child.ended).toEqual([null, 'SIGKILL']);
  expect((await notes.counts()).exchanges).toBeLessThan(VISITORS * EACH);
};

describe('a move that is killed', () => {
  test('on its way into a database goes on where it was; meanwhile no server starts, and no other move', async () => {
    const root = await temporaryFolder();
    const dir = await largeFolder(root);
    const before = await allIn(dir);
    const url = await databases.newDatabase();
    await killedOnTheWay(dir, url);

    await expect(openPostgresStore(storeDeps(url))).rejects.toThrow(`npm run move -- --from ${dir} --to`);
    const other = await largeFolder(path.join(root, 'other'));
    expect(await move(other, url)).toMatchObject({ code: 1, stderr: expect.stringContaining(dir) });
    expect(await runCommand('export', ['--out', '-'], { env: { DATABASE_URL: url } })).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringContaining('half-moved') },
    });
    expect(await move(url, path.join(root, 'elsewhere'))).toMatchObject({ code: 1 });

    const notes = await notesIn(url);
    const there = (await notes.counts()).exchanges;
    expect(await move(dir, url)).toMatchObject({ code: 0, stderr: '' });
    expect(there).toBeGreaterThan(0);
    expect(await notes.counts()).toMatchObject({ exchanges: VISITORS * EACH });
    expect(await notes.note()).toBeUndefined();
    const back = path.join(root, 'back');
    expect((await move(url, back)).code).toBe(0);
    expect(await allIn(back)).toEqual(before);
  }, 60_000);

  test('and whose source has changed meanwhile starts again', async () => {
    const root = await temporaryFolder();
    const dir = await largeFolder(root);
    const url = await databases.newDatabase();
    await killedOnTheWay(dir, url);
    const source = await openStore(dir);
    await source.finish(exchange(user('visitor 0'), { user: 'What was changed', timestamp: 1_000_000_000 }));
    await source.close();
    expect(await move(dir, url)).toMatchObject({ code: 0, stderr: '' });
    const store = await openPostgres(url);
    const [newest] = await store.recent(user('visitor 0'), { limit: EACH });
    expect(newest?.user).toBe('What was changed');
    expect((await (await notesIn(url)).counts()).exchanges).toBe(VISITORS * EACH + 1);
  }, 60_000);

  test('and whose target somebody has touched meanwhile is not completed; the next run starts again', async () => {
    const root = await temporaryFolder();
    const dir = await largeFolder(root);
    const url = await databases.newDatabase();
    await killedOnTheWay(dir, url);
    const sql = postgres(withOurTables(url), { max: 1 });
    await sql`update tp_exchanges set said = 'forged' where seq = 7`;
    await sql.end();
    expect(await move(dir, url)).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringContaining('exchanges differ') },
    });
    await expect(openPostgresStore(storeDeps(url))).rejects.toThrow('half-moved');
    expect(await move(dir, url)).toMatchObject({ code: 0, stderr: '' });
    expect((await (await notesIn(url)).counts()).exchanges).toBe(VISITORS * EACH);
  }, 60_000);

  test('on its way into a folder goes on where it was; meanwhile no service starts on it', async () => {
    const root = await temporaryFolder();
    const dir = await largeFolder(root);
    const url = await databases.newDatabase();
    expect((await move(dir, url)).code).toBe(0);
    const back = path.join(root, 'back');
    const env = { LOG_MAX_MB: '1' };
    const args = ['--from', url, '--to', back];
    const moved = (): number => {
      try {
        return idsInDatabase(back).length;
      } catch {
        return 0;
      }
    };
    const child = await startCommand('move', args, { env });
    await eventually(() => moved() > 0, 30_000);
    child.kill('SIGKILL');
    expect(await child.ended).toEqual([null, 'SIGKILL']);
    expect(moved()).toBeLessThan(VISITORS * EACH);

    const service = await runMain({ DATA_DIR: back, PORT: '0', HOST: '127.0.0.1' });
    const [code] = await service.ended;
    const { host, pathname } = new URL(url);
    expect(code).not.toBe(0);
    expect(service.stdout() + service.stderr()).toContain(
      `--from postgres://${host}${pathname} --to ${back}`,
    );
    const otherUrl = await databases.newDatabase();
    const store = await openPostgres(otherUrl);
    const one = exchange(user('x'));
    await store.accept(one);
    await store.finish(one);
    await store.close();
    expect(await move(otherUrl, back)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('another move'),
    });

    expect(await runCommand('move', args, { env })).toMatchObject({ code: 0, stderr: '' });
    expect(await allIn(back)).toEqual(await allIn(dir));
    expect(await factsIn(back)).toMatchObject({ threads: [] });
    await (await openStore(back)).close();
  }, 60_000);

  test('by Ctrl-C says how it goes on', async () => {
    const root = await temporaryFolder();
    const dir = await largeFolder(root);
    const url = await databases.newDatabase();
    const notes = await notesIn(url);
    const child = await startCommand('move', ['--from', dir, '--to', url]);
    await eventually(async () => ((await notes.counts()).exchanges > 0 ? true : undefined), 30_000);
    child.kill('SIGINT');
    expect(await child.ended).toEqual([130, null]);
    expect(child.stderr()).toMatch(/^Stopped\.\n.* is half-moved: .* Run the same move again to go on\.\n$/);
  }, 60_000);
});
