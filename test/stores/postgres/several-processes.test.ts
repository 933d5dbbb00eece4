import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, message, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
import { accepted, answered, connectTo, never, openStore, openStores, quick } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

describe('what a visitor does elsewhere', () => {
  test('a message can be stopped from another process', async () => {
    const [here, there] = await openStores(databases, 2);
    const stopped: string[] = [];
    here.onStopRequested((id) => stopped.push(id));
    const [one, other] = [message(alice), message(user('bob'))];
    await accepted(here, one);
    await accepted(here, other);
    await there.requestStop(randomUUID());
    await there.requestStop(one.id);
    await eventually(() => stopped.length > 0);
    await here.requestStop(other.id);
    expect(stopped).toEqual([one.id, other.id]);
  });

  test.each([true, false])(
    'what it clears while a message runs stays cleared (kept in the log: %s)',
    async (keep) => {
      const [here, there] = await openStores(databases, 2);
      const [before, running, later] = [exchange(alice), message(alice), message(alice)];
      await accepted(here, before);
      await here.finish(before);
      await accepted(here, running);
      here.setThread(alice, { id: 'old', madeBy: 'test' });
      await there.clear(alice, keep);
      await here.finish(answered(running));
      expect(await there.recent(alice, { limit: 5 })).toEqual([]);
      expect(await there.exchange(running.id)).toBeUndefined();
      expect(await there.visitors({ limit: 5 })).toEqual([]);
      expect(await there.thread(alice)).toBeUndefined();
      await (await accepted(there, later)).mayRun(never);
      await there.finish(answered(later));
      expect(await here.recent(alice, { limit: 5 })).toEqual([answered(later)]);
      expect(await here.visitors({ limit: 5 })).toMatchObject([{ key: 'u:alice', messages: 1 }]);
    },
  );

  test('a history of any length can be cleared, however little time a statement has', async () => {
    const url = await databases.newSchema();
    const store = await openStore(url, { tuning: { ...quick, statementMs: 500 } });
    await accepted(store, message(alice));
    const sql = connectTo(url);
    await sql`
      insert into tp_exchanges (id, visitor, place, said, answer, at)
      select 'id-' || i, 'u:alice', 0, 'Hello!', repeat('yes ', 100), i from generate_series(1, 100000) i`;
    await store.clear(alice, true);
    expect(await store.recent(alice, { limit: 5 })).toEqual([]);
    expect(await sql`select from tp_exchanges where cleared`).toHaveLength(100_000);
  });

  test('visitors are found by the name that they last gave', async () => {
    const [store] = await openStores(databases, 2);
    const all = [
      exchange(user('one'), { name: 'Zoë' }),
      exchange(user('two'), { name: 'Zoë' }),
      exchange(user('two'), { name: 'Bob' }),
      exchange(user('three')),
      exchange(user('one')),
    ];
    for (const one of all) {
      await accepted(store, one);
      await store.finish(one);
    }
    expect(await store.visitors({ limit: 5, name: 'Zoë' })).toMatchObject([
      { key: 'u:one', messages: 2, name: 'Zoë' },
    ]);
    expect(await store.visitors({ limit: 5, name: 'Bob' })).toMatchObject([{ key: 'u:two' }]);
    expect(await store.visitors({ limit: 5, name: 'zoë' })).toEqual([]);
  });
});
