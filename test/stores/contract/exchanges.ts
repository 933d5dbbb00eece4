import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import { anonymous, exchange, user } from '../../helpers/exchanges.ts';
import { type OpenStore, useStore } from './store-under-test.ts';

/** What is recorded of an exchange, and how it is read. */
export const exchangesContract = (name: string, open: OpenStore): void => {
  describe(`${name}: exchanges`, () => {
    const under = useStore(open);
    const { finished, reopen } = under;

    test('a finished exchange is there after the under.store was closed and opened again', async () => {
      const one = exchange(user('alice'), { truncated: true, usage: { input: 12, output: 34 } });
      await finished(one);
      expect(await under.store.recent(one.visitor, { limit: 10 })).toEqual([one]);
      await reopen();
      expect(await under.store.recent(one.visitor, { limit: 10 })).toEqual([one]);
    });

    test('all that is known of an exchange is kept', async () => {
      const { user: said, timestamp, ...rest } = exchange(user('alice'));
      const one: Exchange = {
        ...{ ...rest, user: said, timestamp },
        name: 'Alice',
        usage: { input: 12, output: 34 },
        sources: [
          { n: 1, title: 'Returns' },
          { n: 2, title: 'Fees', url: 'https://example.org/fees', place: 'Table 2' },
        ],
        run: {
          backend: 'responses',
          model: 'm-1',
          queuedMs: 2,
          firstWordMs: 310.5,
          totalMs: 900,
          tools: ['a', 'b'],
        },
      };
      const refused = exchange(user('alice'), {
        flagged: ['violence'],
        run: { backend: 'offline', totalMs: 1 },
      });
      await finished(one, refused);
      for (const round of ['before', 'after']) {
        expect(await under.store.recent(one.visitor, { limit: 10 }), round).toEqual([refused, one]);
        expect(await under.store.exchange(one.id), round).toEqual(one);
        await reopen();
      }
    });

    test('exchanges come newest first, page by page', async () => {
      const all = Array.from({ length: 7 }, () => exchange(user('alice')));
      await finished(...all);
      const newestFirst = all.toReversed();
      for (const round of ['before', 'after']) {
        const first = await under.store.recent(user('alice'), { limit: 3 });
        expect(first, round).toEqual(newestFirst.slice(0, 3));
        const second = await under.store.recent(user('alice'), { limit: 3, before: first[2]?.id ?? '' });
        expect(second, round).toEqual(newestFirst.slice(3, 6));
        const third = await under.store.recent(user('alice'), { limit: 3, before: second[2]?.id ?? '' });
        expect(third, round).toEqual(newestFirst.slice(6));
        await reopen();
      }
    });

    test('a page before an exchange that is not this visitor’s is empty', async () => {
      const other = exchange(user('bob'));
      await finished(exchange(user('alice')), other);
      expect(await under.store.recent(user('alice'), { limit: 5, before: other.id })).toEqual([]);
      expect(await under.store.recent(user('alice'), { limit: 5, before: 'nothing' })).toEqual([]);
    });

    test('a failed turn is kept with its code and without an answer', async () => {
      const failed = exchange(user('alice'), { bot: null, error: 'upstream_timeout' });
      await finished(failed);
      await reopen();
      expect(await under.store.recent(user('alice'), { limit: 1 })).toEqual([failed]);
    });

    test('text comes back exactly as it was', async () => {
      const text = '<b>"Zoë" \\ 漢字 🙂‍↔️\r\n\t\u2028\u0001 __proto__ {"user":1}';
      const one = exchange(user('alice'), { user: text, bot: text });
      await finished(one);
      await reopen();
      expect(await under.store.recent(user('alice'), { limit: 1 })).toEqual([one]);
    });

    test('an answer is kept whatever characters the upstream has put into it', async () => {
      const one = exchange(user('alice'), { bot: 'before\u0000after' });
      under.store.setThread(user('alice'), { id: 'thread\ud800', madeBy: 'test' });
      await finished(one);
      const [found] = await under.store.recent(user('alice'), { limit: 1 });
      expect(['before\u0000after', 'before\ufffdafter']).toContain(found?.bot);
    });

    test('an exchange is found by its id, with whose it is', async () => {
      const named = exchange(user('anonymous session'));
      const unnamed = exchange(anonymous('one'), { bot: null, error: 'upstream_failed' });
      await finished(named, unnamed);
      for (const round of ['before', 'after']) {
        expect(await under.store.exchange(named.id), round).toEqual(named);
        expect(await under.store.exchange(unnamed.id), round).toEqual(unnamed);
        expect(await under.store.exchange(randomUUID()), round).toBeUndefined();
        await reopen();
      }
    });
  });
};
