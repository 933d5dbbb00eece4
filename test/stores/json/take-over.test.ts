import { appendFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OlderExchange } from '../../../src/log-file/read-log.ts';
import { anonymous, exchange, user } from '../store-contract.ts';
import { idsOnDisk, openStore, readLog, tempFolder } from './helper.ts';

let made = 0;
/** An exchange of another log; `time` is its timestamp unless one before it in that log was later. */
const taken = (key: string, timestamp: number, overrides: Partial<OlderExchange> = {}): OlderExchange => {
  const id = `older-${made++}`;
  const json = JSON.stringify({
    user: `at ${timestamp}`,
    bot: 'b',
    timestamp,
    own: { x: 1 },
    usage: '?',
    id,
  });
  return { id, key, session: undefined, timestamp, time: timestamp, json, ...overrides };
};

const asAfterCrash = async (dir: string): Promise<string> => {
  const image = await tempFolder();
  await cp(dir, image, { recursive: true });
  return image;
};

describe('exchanges that are taken over from another log', () => {
  test('come to their place by time, in pages and in the file, and stay there', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    const own = [exchange(user('bob'), { timestamp: 500 }), exchange(user('bob'), { timestamp: 700 })];
    for (const one of own) await store.finish(one);
    await store.takeOver([taken('bob', 400), taken('bob', 600), taken('bob', 650)]);
    await store.takeOver([taken('bob', 100), taken('bob', 800), taken('eve', 1)]);
    const latest = exchange(user('bob'), { timestamp: 750 });
    await store.finish(latest);
    const order = [100, 400, 500, 600, 650, 700, 800, 750];
    const inOrder = async (from: typeof store): Promise<void> => {
      const found = [];
      let page = await from.recent(user('bob'), { limit: 3 });
      while (page.length > 0) {
        found.push(...page.map(({ timestamp }) => timestamp));
        page = await from.recent(user('bob'), { limit: 3, before: page.at(-1)?.id ?? '' });
      }
      expect(found.toReversed()).toEqual(order);
    };
    await inOrder(store);
    await store.close();
    const log = await readLog(join(dir, 'conversations.json'));
    expect(log.get('bob')?.map(({ timestamp }) => timestamp)).toEqual(order);
    await inOrder(await openStore(dir));
  });

  test('are durable with all their fields before any snapshot, and at the same place', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { tuning: { smallWaitMs: 1e6 } });
    await store.finish(exchange(user('bob'), { timestamp: 500 }));
    const odd = taken('bob', 600, { time: 600 });
    const proto = taken('bob', 300, {
      json: '{"user":"u","bot":null,"timestamp":300,"error":7,"__proto__":{"y":1},"id":"p"}',
      id: 'p',
    });
    await store.takeOver([proto, odd]);
    await store.takeOver([proto, odd]);
    const image = await asAfterCrash(dir);
    const again = await openStore(image);
    await again.snapshot();
    const text = await readFile(join(image, 'conversations.json'), 'utf8');
    expect(text).toContain('"error":7,"__proto__":{"y":1},"id":"p"');
    const log = await readLog(join(image, 'conversations.json'));
    expect(log.get('bob')).toMatchObject([{ id: 'p' }, { timestamp: 500 }, { own: { x: 1 }, usage: '?' }]);
  });

  test('of no name are told to no one, and those of a session to it alone', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    const unnamed = taken('anonymous', 1);
    const id = 'named';
    const json = JSON.stringify({ user: 'u', bot: 'b', timestamp: 2, session: 's', id });
    await store.takeOver([unnamed, taken('anonymous', 2, { session: 's', json, id })]);
    for (const from of [store, await openStore(await asAfterCrash(dir))]) {
      expect(await from.recent(anonymous('s'), { limit: 5 })).toMatchObject([{ id: 'named' }]);
      expect(await from.recent(user('anonymous'), { limit: 5 })).toEqual([]);
      expect(from.liveCount()).toBe(2);
    }
  });

  test('keep the order of their log where its clock went back', async () => {
    const store = await openStore(await tempFolder());
    await store.finish(exchange(user('bob'), { timestamp: 60 }));
    const [late, early] = [taken('bob', 50), taken('bob', 40, { time: 50 })];
    await store.takeOver([late]);
    await store.takeOver([early]);
    const found = await store.recent(user('bob'), { limit: 5 });
    expect(found.map(({ timestamp }) => timestamp)).toEqual([60, 40, 50]);
  });

  test('move into the archive before what is newer, whoever came first', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 20_000, tuning: { smallWaitMs: 1e6 } });
    const own = exchange(user('visitor'), { timestamp: 2e9, bot: 'x'.repeat(500) });
    await store.finish(own);
    const text = 'x'.repeat(500);
    const batch = Array.from({ length: 60 }, (_, i) => {
      const id = `many-${i}`;
      const timestamp = 1e9 + ((i * 7) % 60);
      return taken(`user-${i % 3}`, timestamp, {
        id,
        json: JSON.stringify({ user: text, bot: null, timestamp, id }),
      });
    });
    await store.takeOver(batch);
    await store.snapshot();
    const { live, archived } = await idsOnDisk(dir);
    expect([...live, ...archived].toSorted()).toEqual([own.id, ...batch.map(({ id }) => id)].toSorted());
    expect(live).toContain(own.id);
    const timeOf = (id: string) => batch.find((one) => one.id === id)?.timestamp ?? 2e9;
    expect(Math.max(...archived.map(timeOf))).toBeLessThan(Math.min(...live.map(timeOf)));
    for (const visitor of ['user-0', 'user-1', 'user-2'].map(user)) {
      for (const one of await store.recent(visitor, { limit: 50 })) expect(one.user).toBe(text);
    }
  });

  test('that come while the log is written are in it once', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    await store.takeOver(Array.from({ length: 5000 }, (_, i) => taken('bob', 1000 + i)));
    for (let round = 0; round < 5; round++) {
      const writing = store.snapshot();
      const more = Array.from({ length: 500 }, (_, i) => taken('bob', 500 - round + i / 1000));
      for (let at = 0; at < more.length; at += 100) await store.takeOver(more.slice(at, at + 100));
      await writing;
      const { live } = await idsOnDisk(dir);
      expect(new Set(live).size).toBe(live.length);
    }
    await store.close();
    expect((await idsOnDisk(dir)).live).toHaveLength(7500);
  });

  test('are refused at once where the disk fails', async () => {
    const dir = await tempFolder();
    await writeFile(join(dir, 'journal'), 'in the way');
    const store = await openStore(dir, { tuning: { closeMs: 50 } });
    await expect(store.takeOver([taken('bob', 1)])).rejects.toThrow('is not a folder');
  });
});

describe('facts', () => {
  test('are remembered, replaced, forgotten, and there after a restart and after a crash', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    expect(await store.fact('assistant')).toBeUndefined();
    store.setFact('assistant', 'asst_1');
    store.setFact('assistant', 'asst_2 "ü"\n');
    store.setFact('__proto__', 'x');
    store.setFact('gone', 'x');
    store.setFact('gone', '');
    await store.finish(exchange(user('who made it durable')));
    const crashed = await openStore(await asAfterCrash(dir));
    await store.close();
    for (const from of [crashed, await openStore(dir)]) {
      expect(await from.fact('assistant')).toBe('asst_2 "ü"\n');
      expect(await from.fact('__proto__')).toBe('x');
      for (const none of ['constructor', 'gone']) expect(await from.fact(none)).toBeUndefined();
    }
  });

  test('are a thousand at most: the one that was set longest ago goes', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    for (let i = 0; i < 1000; i++) store.setFact(`fact-${i}`, `${i}`);
    store.setFact('fact-0', 'again');
    store.setFact('one more', 'x');
    await store.close();
    const again = await openStore(dir);
    expect(await again.fact('fact-0')).toBe('again');
    expect(await again.fact('fact-1')).toBeUndefined();
    expect(await again.fact('fact-2')).toBe('2');
  });

  test('need not be in a state.json of an earlier version', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    store.setThread(user('bob'), { id: 'thread', madeBy: 'test' });
    await store.close();
    const path = join(dir, 'state.json');
    const { facts, ...earlier } = JSON.parse(await readFile(path, 'utf8'));
    expect(facts).toEqual([]);
    await writeFile(path, JSON.stringify(earlier));
    const again = await openStore(dir);
    expect(await again.thread(user('bob'))).toEqual({ id: 'thread', madeBy: 'test' });
    expect(await again.fact('x')).toBeUndefined();
  });
});

test('a journal line of an import that makes no sense is skipped, and its part is kept', async () => {
  const origin = await tempFolder();
  const store = await openStore(origin, { tuning: { smallWaitMs: 1e6 } });
  await store.takeOver([taken('bob', 1)]);
  const dir = await asAfterCrash(origin);
  const [part = ''] = await readdir(join(dir, 'journal'));
  await appendFile(
    join(dir, 'journal', part),
    '{"type":"imported","key":"bob","time":2,"exchange":{"id":"x"}}\n',
  );
  const again = await openStore(dir);
  expect(again.liveCount()).toBe(1);
  await again.close();
  expect(await readdir(join(dir, 'journal'))).toContain(`${part}.damaged`);
});
