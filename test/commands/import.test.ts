import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { anonymous, exchange, user } from '../helpers/exchanges.ts';
import { idsOnDisk, openStore } from '../stores/sqlite/helper.ts';
import { numbersIn, older, placeFor, runCommand } from './helper.ts';

const THREE = {
  bob: [older('one', 1696614303.123, { mood: 'good' }), older('two', 1696614304)],
  anonymous: [older('secret', 1696614305)],
  __proto__: undefined,
  '': [older('nameless', 1, { bot: null })],
};

describe('import', () => {
  test('takes a log of the older form over, whole, with ids beside', async () => {
    const place = await placeFor(THREE);
    const { code, stdout, stderr } = await place.run();
    expect([code, stderr]).toEqual([0, '']);
    expect(numbersIn(stdout)).toEqual({
      users: 3,
      exchanges: 4,
      anonymous: 1,
      failed: 1,
      'already there': 0,
      new: 4,
    });
    expect(await place.log()).toMatchObject({ ...THREE, bob: [{ mood: 'good' }, { user: 'two' }] });
    const store = await openStore(place.dir);
    expect(await store.recent(user('bob'), { limit: 5 })).toMatchObject([{ user: 'two' }, { user: 'one' }]);
    for (const id of ['anonymous', '', 'undefined']) {
      expect(await store.recent(anonymous(id), { limit: 5 })).toEqual([]);
    }
  });

  test('run twice doubles nothing', async () => {
    const place = await placeFor(THREE);
    await place.run();
    const first = await place.log();
    const { code, stdout } = await place.run();
    expect(code).toBe(0);
    expect(numbersIn(stdout)).toMatchObject({ 'already there': 4, new: 0 });
    expect(await place.log()).toEqual(first);
  });

  test('adds what the older system has logged since the last import, and nothing else', async () => {
    const place = await placeFor({ bob: [older('one', 100)], eve: [older('hi', 90)] });
    await place.run();
    const grown = {
      bob: [older('one', 100), older('two', 110)],
      eve: [older('hi', 90)],
      new: [older('x', 1)],
    };
    await place.put(JSON.stringify(grown));
    expect(numbersIn((await place.run()).stdout)).toMatchObject({ 'already there': 2, new: 2 });
    expect(await place.log()).toMatchObject(grown);
  });

  test('doubles nothing of a file that the service took over in place before', async () => {
    const place = await placeFor(THREE);
    await mkdir(place.dir);
    await place.put(JSON.stringify(THREE), 'data/conversations.json');
    expect(numbersIn((await place.run()).stdout)).toMatchObject({ 'already there': 4, new: 0 });
    const store = await openStore(place.dir);
    await store.finish(exchange(user('bob')));
    await store.close();
    expect(numbersIn((await place.run()).stdout)).toMatchObject({ 'already there': 4, new: 0 });
    expect(numbersIn((await place.run(['--dry-run'])).stdout)).toMatchObject({ 'already there': 4, new: 0 });
  });

  test('puts older exchanges before those that the service has logged meanwhile', async () => {
    const newest = exchange(user('bob'), { timestamp: 2e9 });
    const between = exchange(user('bob'), { timestamp: 1.5e9 });
    const place = await placeFor({ bob: [older('a', 1e9), older('b', 1.4e9), older('c', 1.6e9)] });
    const before = await openStore(place.dir);
    await before.finish(between);
    await before.finish(newest);
    await before.close();
    await place.run();
    const order = ['a', 'b', between.user, 'c', newest.user];
    expect(await place.log()).toMatchObject({ bob: order.map((text) => ({ user: text })) });
    const store = await openStore(place.dir);
    const found = await store.recent(user('bob'), { limit: 9 });
    expect(found.map((one) => one.user)).toEqual(order.toReversed());
    const page = await store.recent(user('bob'), { limit: 2, before: between.id });
    expect(page.map((one) => one.user)).toEqual(['b', 'a']);
  });

  test('moves a whole log from one installation to another: ids, failures and anonymous sessions', async () => {
    const place = await placeFor({});
    const all = [
      exchange(user('bob'), { usage: { input: 1, output: 2 } }),
      exchange(user('bob'), { bot: null, error: 'upstream_timeout' }),
      exchange(anonymous('s1'), { truncated: true }),
      exchange(anonymous('s2')),
    ];
    const origin = await openStore(path.join(place.root, 'origin'));
    for (const one of all) await origin.finish(one);
    await origin.close();
    await place.put(await readFile(path.join(place.root, 'origin/conversations.json')));
    await place.run();
    const store = await openStore(place.dir);
    expect(await store.recent(user('bob'), { limit: 5 })).toEqual([all[1], all[0]]);
    expect(await store.recent(anonymous('s1'), { limit: 5 })).toEqual([all[2]]);
    expect(await store.recent(anonymous('s2'), { limit: 5 })).toEqual([all[3]]);
  });

  test('keeps exchanges apart whose older system restarted their ids for each user and log', async () => {
    const place = await placeFor({ bob: [older('b1', 1, { id: '1' })], eve: [older('e1', 2, { id: '1' })] });
    await place.run();
    await place.put(JSON.stringify({ bob: [older('other log', 3, { id: '1' })] }));
    for (const taken of [1, 0]) expect(numbersIn((await place.run()).stdout)).toMatchObject({ new: taken });
    const { live } = await idsOnDisk(place.dir);
    expect([live.length, new Set(live).size]).toEqual([3, 3]);
  });

  test('takes times in milliseconds for what they are', async () => {
    const place = await placeFor({ bob: [older('a', 1696614303123), older('b', 1696614304)] });
    for (const taken of [2, 0]) {
      expect(numbersIn((await place.run()).stdout)).toMatchObject({ new: taken, 'in milliseconds': 1 });
    }
    expect(await place.log()).toMatchObject({
      bob: [{ timestamp: 1696614303.123 }, { timestamp: 1696614304 }],
    });
  });

  test('with --dry-run counts and writes nothing', async () => {
    const place = await placeFor(THREE);
    const { code, stdout } = await place.run(['--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing was written');
    expect(numbersIn(stdout)).toMatchObject({ users: 3, exchanges: 4, new: 4, 'already there': 0 });
    expect(await readdir(place.root)).toEqual(['older.json']);
  });

  test('reads DATA_DIR from .env as the service does', async () => {
    const place = await placeFor(THREE);
    await place.put('DATA_DIR=./elsewhere\n', '.env');
    expect((await runCommand('import', ['older.json'], { cwd: place.root })).code).toBe(0);
    expect((await idsOnDisk(path.join(place.root, 'elsewhere'))).live).toHaveLength(4);
  });
});

describe('a log that is larger than LOG_MAX_MB', () => {
  const text = 'x'.repeat(2000);
  const users = Array.from({ length: 40 }, (_, u) => `user-${u}`);
  // Each user has talked all the time: in the file old and new lie side by side.
  const log = Object.fromEntries(
    users.map((name, u) => [
      name,
      Array.from({ length: 25 }, (_, i) => older(`${i}`, 1.7e9 + i * 1e5 + u, { bot: text })),
    ]),
  );
  const small = { LOG_MAX_MB: '1' };

  test('goes into the archive with its oldest exchanges, and keeps the newest of all', async () => {
    const place = await placeFor(log);
    const service = await openStore(place.dir);
    const recent = exchange(user('visitor'), { timestamp: 1.9e9 });
    await service.finish(recent);
    await service.close();
    expect(numbersIn((await place.run(['--dry-run'], small)).stdout)).toMatchObject({ new: 1000 });
    const done = numbersIn((await place.run([], small)).stdout);
    expect(done).toMatchObject({ new: 1000, 'already there': 0 });
    const { live, archived } = await idsOnDisk(place.dir);
    expect(new Set([...live, ...archived]).size).toBe(1001);
    expect(live.length + archived.length).toBe(1001);
    expect(live).toContain(recent.id);
    expect(archived.length).toBeGreaterThan(500);
    const store = await openStore(place.dir, { maxBytes: 1024 * 1024 });
    expect(await store.recent(recent.visitor, { limit: 5 })).toEqual([recent]);
    for (const name of users) {
      const kept = await store.recent(user(name), { limit: 30 });
      expect(kept.map((one) => one.user)).toEqual(kept.map((_, place) => `${24 - place}`));
      expect(kept).toHaveLength(25);
    }
    await store.close();
    const again = numbersIn((await place.run([], small)).stdout);
    expect(again).toMatchObject({ new: 0, 'already there': 1000 });
  });
});

test('20,000 exchanges are imported in a few seconds and in little memory', async () => {
  const bot = 'An answer of some length that explains a thing. '.repeat(10);
  const log = new Map<string, object[]>();
  for (let i = 0; i < 20_000; i++) {
    const list = log.get(`user-${i % 1000}`) ?? [];
    list.push(older(`Question ${i}`, 1.7e9 + i, { bot }));
    log.set(`user-${i % 1000}`, list);
  }
  const place = await placeFor(Object.fromEntries(log));
  const start = performance.now();
  // In MB of heap, which the file parsed as a whole would take alone.
  const { code, stdout } = await place.run([], { NODE_OPTIONS: '--max-old-space-size=48' });
  expect(code).toBe(0);
  expect(numbersIn(stdout)).toMatchObject({ new: 20_000 });
  expect(performance.now() - start).toBeLessThan(15_000);
  expect((await idsOnDisk(place.dir)).live).toHaveLength(20_000);
});
