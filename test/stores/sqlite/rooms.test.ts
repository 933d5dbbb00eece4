import { expect, test } from 'vitest';
import { exchange, user } from '../../helpers/exchanges.ts';
import { eventually, openStore, tempFolder } from './helper.ts';

type Notes = typeof import('./notes-room.ts');
const NOTES = new URL('./notes-room.ts', import.meta.url);

test('another room keeps data in the database, through a restart, and its migrations run once', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir);
  const notes = await store.openRoom<Notes>(NOTES);
  expect(await notes.write('add', 'one')).toBe(1);
  expect(await notes.write('add', 'two')).toBe(2);
  await store.close();
  const again = await (await openStore(dir)).openRoom<Notes>(NOTES);
  expect(await again.read('all', undefined)).toEqual(['first', 'one', 'two']);
});

test('pages are made one by one, others are served between them, and a loop may end early', async () => {
  const store = await openStore(await tempFolder());
  const notes = await store.openRoom<Notes>(NOTES);
  for (let n = 0; n < 10; n++) await notes.write('add', `${n}`);
  const seen: string[][] = [];
  for await (const page of notes.pages('inPages', 2)) {
    seen.push(page);
    expect(await notes.read('count', undefined)).toBe(11);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([
    ['first', '0'],
    ['1', '2'],
    ['3', '4'],
  ]);
});

test('what a room’s function throws reaches its caller, and fails nothing that was committed with it', async () => {
  const store = await openStore(await tempFolder());
  const notes = await store.openRoom<Notes>(NOTES);
  const one = exchange(user('alice'));
  const [wrong, right, finished] = await Promise.allSettled([
    notes.write('add', ''),
    notes.write('add', 'right'),
    store.finish(one),
  ]);
  expect(wrong).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('empty') } });
  expect([right.status, finished.status]).toEqual(['fulfilled', 'fulfilled']);
  await expect(notes.read('fail', undefined)).rejects.toThrow('it cannot be read');
  expect(store.health()).toEqual({ ok: true });
  expect(await store.recent(user('alice'), { limit: 1 })).toEqual([one]);
});

test('a room’s triggers see each exchange in its transaction', async () => {
  const store = await openStore(await tempFolder());
  const notes = await store.openRoom<Notes>(NOTES);
  const changes: number[] = [];
  store.onChange(() => changes.push(1));
  for (let n = 0; n < 5; n++) await store.finish(exchange(user('alice')));
  expect(await notes.read('exchanges', undefined)).toBe(5);
  await eventually(() => changes.length > 0);
});

test('a room whose tables a newer version has made is refused', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir);
  await store.openRoom<Notes>(NOTES);
  await store.openRoom<Notes>(new URL('./notes-room.ts?older', import.meta.url));
  await expect(store.openRoom(new URL('./older-notes-room.ts', import.meta.url))).rejects.toThrow(
    /schema "notes" 2.*newer version/,
  );
});
