import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually } from '../json/helper.ts';
import { message, user } from '../store-contract.ts';
import { accepted, answered, connectTo, never, openStore, openStores, quick } from './helper.ts';
import { startPuppet } from './puppet.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

describe('a process that dies', () => {
  test('frees its thread, and what it was doing is given to one other', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const [cut, next] = [message(alice), message(alice)];
    expect(await puppet.accept({ ...cut, key: 'key', name: 'Alice' })).toBe('accepted');
    const here = await openStore(url, { tuning: quick });
    const there = await openStore(url, { tuning: quick });
    const { mayRun } = await accepted(here, next);
    const both = async () => (await Promise.all([here.interrupted(), there.interrupted()])).flat();
    expect(await both()).toEqual([]);
    await puppet.kill();
    await mayRun(never);
    expect(await both()).toEqual([{ ...cut, key: 'key', name: 'Alice' }]);
    expect(await both()).toEqual([]);
  });

  test('when it was only asleep, it can write nothing of what it did, and works on under another name', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const [cut, next] = [message(alice), message(alice)];
    await puppet.accept(cut);
    await puppet.setThread(alice, { id: 'late', madeBy: 'test' });
    const here = await openStore(url, { tuning: quick });
    const { mayRun } = await accepted(here, next);
    puppet.signal('SIGSTOP');
    await mayRun(never);
    expect(await here.interrupted()).toEqual([cut]);
    await here.finish({ ...cut, bot: null, error: 'internal_error' });
    here.setThread(alice, { id: 'new', madeBy: 'test' });
    await here.finish(answered(next));
    puppet.signal('SIGCONT');
    expect(await puppet.finish({ ...cut, bot: 'late' })).toBe('log_unavailable');
    expect(await here.recent(alice, { limit: 5 })).toMatchObject([
      { id: next.id },
      { id: cut.id, bot: null },
    ]);
    expect(await here.thread(alice)).toEqual({ id: 'new', madeBy: 'test' });
    const after = message(alice);
    await eventually(async () => (await puppet.accept(after)) === 'accepted');
    expect(await puppet.finish(answered(after))).toBe('done');
    expect(await here.recent(alice, { limit: 1 })).toEqual([answered(after)]);
  });

  test('when it was only asleep, brings back no thread that was cleared meanwhile', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const [cut, after] = [message(alice), message(alice)];
    await puppet.accept(cut);
    await puppet.setThread(alice, { id: 'late', madeBy: 'test' });
    const here = await openStore(url, { tuning: quick });
    puppet.signal('SIGSTOP');
    await eventually(async () => (await here.interrupted()).length > 0);
    await here.finish({ ...cut, bot: null, error: 'internal_error' });
    await here.clear(alice, true);
    puppet.signal('SIGCONT');
    await eventually(async () => (await puppet.accept(after)) === 'accepted');
    expect(await puppet.finish(answered(after))).toBe('done');
    expect(await here.thread(alice)).toBeUndefined();
  });

  test('that no other has seen dead yet cannot write when its messages are others’', async () => {
    const [here, there] = await openStores(databases, 2);
    const one = message(alice);
    await accepted(here, one);
    await here.close();
    expect(await there.interrupted()).toEqual([one]);
    await there.finish({ ...one, bot: null, error: 'internal_error' });
    expect(await there.exchange(one.id)).toMatchObject({ bot: null });
  });

  test('is not one all of whose connections are busy', async () => {
    const url = await databases.newSchema();
    const here = await openStore(url, { tuning: { ...quick, connections: 1, queueMs: 100 } });
    const there = await openStore(url, { tuning: quick });
    const one = message(user('bob'));
    await accepted(here, one);
    await accepted(here, message(alice));
    const sql = connectTo(url);
    const [held, locked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    onTestFinished(() => held.resolve());
    const holding = sql.begin(async (own) => {
      await own`select from tp_visitors where key = 'u:alice' for update`;
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const beginning = here.accept(message(alice));
    const until = performance.now() + 3 * quick.deadMs;
    await eventually(async () => {
      expect(await there.interrupted()).toEqual([]);
      return performance.now() > until;
    });
    held.resolve();
    await holding;
    await beginning;
    await here.finish(answered(one));
  });

  test('that lives is never taken for dead', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    await puppet.accept(message(alice));
    const here = await openStore(url, { tuning: quick });
    const until = performance.now() + 2 * quick.deadMs;
    await eventually(async () => {
      expect(await here.interrupted()).toEqual([]);
      return performance.now() > until;
    });
  });
});
