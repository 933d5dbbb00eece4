import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lineOf } from '../../src/log-file/log-row.ts';
import { importFolder } from '../../src/stores/transfer/first-import.ts';
import { allFacts, allRows } from '../../src/stores/transfer/read-all.ts';
import { anonymous, exchange, message, user } from '../helpers/exchanges.ts';
import { memoryLogger, openStore, reading } from '../stores/sqlite/helper.ts';
import { older, runCommand } from './helper.ts';

/** Runs a move to its end. */
export const move = (from: string, to: string, ...more: string[]) =>
  runCommand('move', ['--from', from, '--to', to, ...more]);

/** Keys that are objects' own affairs, numbers, and what no database keeps as it is. */
const ODD_KEYS = [
  '__proto__',
  'constructor',
  '7',
  '',
  'ünï\u2028cödé 🙂',
  ' a ',
  'x\u0000y',
  '\ud800',
  'k'.repeat(5000),
];

/** A log of the older form with all that may stand in one. */
const oddLog = (): string => {
  const lists = ODD_KEYS.map((key, place): [string, object[]] => [
    key,
    [
      older(`first\u2028 of ${key}`, 1_500_000_000 + place, { mood: 'good', nested: { a: [1, null, {}] } }),
      older('one\u0000two \udc00 three', 1_400_000_000, { bot: null, error: 5, id: 12 }),
      older('third', 1_500_000_002 + place, {
        id: 'same',
        usage: { input: 1, output: 2, cached: 3 },
        name: 'N',
      }),
      older('fourth', -5, { id: 'same', truncated: 'yes', session: 'no', verified: true, cleared: 'no' }),
      older('fifth', 1e15, { id: `id-${'i'.repeat(3000)}${place}`, name: 'n'.repeat(4000), older_id: 1 }),
    ],
  ]);
  const nobodys = [
    older('secret', 1_600_000_000),
    older('hello', 1_600_000_001, { session: 's\u0000', verified: true }),
  ];
  // Object.fromEntries() makes a key of `__proto__`, too.
  return JSON.stringify({ ...Object.fromEntries(lists), anonymous: nobodys });
};

/** A data folder with everything that a store can hold; a part of it is in the archive. */
export const oddFolder = async (root: string): Promise<string> => {
  const dir = path.join(root, 'odd');
  await mkdir(dir);
  await writeFile(path.join(dir, 'conversations.json'), oddLog());
  // So small that a part goes into the archive, at once and later.
  const store = await openStore(dir, { maxBytes: 40_000 });
  await store.updateCopy();
  const [alice, bob, eve] = [
    user('alice'),
    { kind: 'verified', id: 'alice' } as const,
    anonymous(randomUUID()),
  ];
  const say = async (one: ReturnType<typeof exchange>): Promise<void> => {
    await store.accept({ ...one, key: `key of ${one.id}` });
    await store.finish(one);
  };
  await say(exchange(alice, { name: 'Al', usage: { input: 12, output: 3 } }));
  await say(exchange(bob, { truncated: true }));
  await say(exchange(user('gone')));
  await say(exchange(eve, { user: 'a\u2028b "\\' }));
  await store.clear(user('gone'), true);
  await say(exchange(alice, { bot: null, error: 'upstream_timeout' }));
  await say(exchange(user('7'), { user: 'x'.repeat(2000) }));
  await store.updateCopy();
  await say(exchange(alice));
  store.setThread(alice, { id: 'thread_1', madeBy: 'test' });
  store.setThread(eve, { id: 'thread_2', madeBy: 'test' });
  await store.markVerified('alice');
  await store.endToken('token', 4e9);
  store.setFact('b', 'two');
  store.setFact('a', '');
  store.setFact('c', '{"x":1}');
  await store.countMessage('2026-11-20');
  await store.countMessage('2026-11-21');
  // Nobody finishes this one.
  await store.accept(message(user('cut off'), 'Is anybody there?'));
  await store.close();
  return dir;
};

/** All exchanges of a folder as conversations.json has them, by key and in their order. */
export const allIn = async (dir: string): Promise<Map<string, Record<string, unknown>[]>> => {
  // An older form becomes a database as at a start.
  await importFolder(dir, memoryLogger());
  const all = new Map<string, Record<string, unknown>[]>();
  for (const row of reading(dir, (db) => [...allRows(db, 'list')].flat())) {
    const { key, fields } = lineOf(row);
    all.set(key, [...(all.get(key) ?? []), JSON.parse(JSON.stringify(fields))]);
  }
  return all;
};

/** What a folder holds beside the exchanges. */
export const factsIn = async (dir: string) => reading(dir, allFacts);
