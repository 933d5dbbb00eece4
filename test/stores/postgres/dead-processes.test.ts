import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { message, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
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

  test('when it closes, leaves what it was doing to another at once', async () => {
    const [here, there] = await openStores(databases, 2);
    const one = message(alice);
    await accepted(here, one);
    await here.close();
    expect(await there.interrupted()).toEqual([one]);
    await there.finish({ ...one, bot: null, error: 'internal_error' });
    expect(await there.exchange(one.id)).toMatchObject({ bot: null });
  });

  test('when it was only asleep, cannot finish a turn that another has adopted and not finished yet', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const cut = message(alice);
    await puppet.accept(cut);
    const here = await openStore(url, { tuning: quick });
    puppet.signal('SIGSTOP');
    const adopted: string[] = [];
    await eventually(async () => adopted.push(...(await here.interrupted()).map(({ id }) => id)) > 0);
    expect(adopted).toEqual([cut.id]);
    puppet.signal('SIGCONT');
    expect(await puppet.finish({ ...cut, bot: 'late' })).toBe('log_unavailable');
    expect(await here.exchange(cut.id)).toBeUndefined();
    expect(await here.unfinished(cut.id)).toEqual(cut);
    await here.finish({ ...cut, bot: null, error: 'internal_error' });
    expect(await here.exchange(cut.id)).toMatchObject({ bot: null });
  });

  test('that was declared dead accepts its next message at once', async () => {
    const url = await databases.newSchema();
    // It does not send heartbeats by itself.
    const puppet = await startPuppet(url, { ...quick, beatMs: 600_000 });
    const [cut, next] = [message(alice), message(user('bob'))];
    await puppet.accept(cut);
    const here = await openStore(url, { tuning: quick });
    await eventually(async () => (await here.interrupted()).length > 0);
    expect(await puppet.accept(next)).toBe('accepted');
    expect(await puppet.finish(answered(next))).toBe('done');
    expect(await puppet.finish(answered(cut))).toBe('log_unavailable');
  });

  test('a message that it accepts while it is declared dead is given to another soon', async () => {
    const url = await databases.newSchema();
    const here = await openStore(url, { tuning: { ...quick, statementMs: 30_000 } });
    const sql = connectTo(url);
    await sql`insert into tp_processes (id, beat) values ('dying', 7)`;
    const late = message(alice);
    await sql.begin(async (own) => {
      await own`select from tp_processes where id = 'dying' for update`;
      const watch = connectTo(url);
      // Who declares it dead has looked for its messages by now, and waits for this row.
      await eventually(
        async () =>
          (
            await watch`
              select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
          ).length > 0,
      );
      await own`
        insert into tp_taken (id, visitor, place, process, said, at)
        values (${late.id}, 'u:alice', 1, 'dying', ${late.user}, ${late.timestamp})`;
    });
    expect(await eventually(async () => (await here.interrupted())[0])).toEqual(late);
  });

  test('is none of two that slept at the same time: both go on, and nothing is lost', async () => {
    const url = await databases.newSchema();
    const patient = { ...quick, deadMs: 2000 };
    const [one, other] = [await startPuppet(url, patient), await startPuppet(url, patient)];
    const [first, second] = [message(alice), message(user('bob'))];
    await one.accept(first);
    await other.accept(second);
    const sql = connectTo(url);
    const beats = async (): Promise<number> =>
      (await sql`select sum(beat)::integer as beats from tp_processes`)[0]?.beats;
    const more = async (by: number): Promise<void> => {
      const before = await beats();
      await eventually(async () => (await beats()) >= before + by);
    };
    await more(6);
    other.signal('SIGSTOP');
    // Now only one of them sends heartbeats, and has seen the last of the other's.
    await more(4);
    one.signal('SIGSTOP');
    const until = performance.now() + 1.5 * patient.deadMs;
    await eventually(() => performance.now() > until);
    one.signal('SIGCONT');
    await more(4);
    other.signal('SIGCONT');
    await more(8);
    expect(await one.finish(answered(first))).toBe('done');
    expect(await other.finish(answered(second))).toBe('done');
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

  test('that is alive is never declared dead', async () => {
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
