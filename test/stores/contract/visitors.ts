import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Visitor } from '../../../src/chat/model.ts';
import type { FeedbackLog, Store } from '../../../src/chat/store-port.ts';
import { anonymous, exchange, user } from '../../helpers/exchanges.ts';
import { type OpenStore, useStore } from './store-under-test.ts';

/** What is known of visitors: whose exchanges are whose, threads, names, feedback, verified users and ended tokens. */
export const visitorsContract = (name: string, open: OpenStore): void => {
  describe(`${name}: visitors`, () => {
    const under = useStore(open);
    const { finished, reopen } = under;

    test('a user and an anonymous session of the same text are two visitors', async () => {
      const named = exchange(user('x'));
      const unnamed = exchange(anonymous('x'));
      await finished(named, unnamed);
      under.store.setThread(user('x'), { id: 'thread-u', madeBy: 'test' });
      await reopen();
      expect(await under.store.recent(user('x'), { limit: 5 })).toEqual([named]);
      expect(await under.store.recent(anonymous('x'), { limit: 5 })).toEqual([unnamed]);
      expect(await under.store.thread(anonymous('x'))).toBeUndefined();
    });

    test('anonymous sessions do not see each other', async () => {
      const mine = [exchange(anonymous('one')), exchange(anonymous('one'))];
      const theirs = exchange(anonymous('two'));
      await finished(...mine, theirs);
      await reopen();
      expect(await under.store.recent(anonymous('one'), { limit: 5 })).toEqual(mine.toReversed());
      expect(await under.store.recent(anonymous('two'), { limit: 5 })).toEqual([theirs]);
      expect(await under.store.recent(anonymous('three'), { limit: 5 })).toEqual([]);
    });

    const oddIds = ['__proto__', 'constructor', 'toString', '42', '-1', 'Alice', 'alice', ' alice', 'ålice'];
    const oddest = ['a\u030alice', '🙂', '"quoted"', 'line\nbreak', '../../etc/passwd', 'u:alice', '\u2028'];
    test('visitors are told apart by the exact text of any id', async () => {
      const all = [...oddIds, ...oddest].map((id) => exchange(user(id), { bot: `for ${id}` }));
      await finished(...all);
      for (const { visitor } of all) under.store.setThread(visitor, { id: visitor.id, madeBy: 'test' });
      await reopen();
      for (const one of all) {
        expect(await under.store.recent(one.visitor, { limit: 5 })).toEqual([one]);
        expect(await under.store.thread(one.visitor)).toEqual({ id: one.visitor.id, madeBy: 'test' });
      }
    });

    test('a visitor’s thread is kept, replaced and forgotten', async () => {
      const alice = user('alice');
      await finished(exchange(alice), exchange(user('bob')));
      expect(await under.store.thread(alice)).toBeUndefined();
      under.store.setThread(alice, { id: 'one', madeBy: 'test' });
      under.store.setThread(alice, { id: 'two', madeBy: 'other' });
      under.store.setThread(user('bob'), { id: 'three', madeBy: 'test' });
      under.store.setThread(user('bob'), undefined);
      expect(await under.store.thread(alice)).toEqual({ id: 'two', madeBy: 'other' });
      await reopen();
      expect(await under.store.thread(alice)).toEqual({ id: 'two', madeBy: 'other' });
      expect(await under.store.thread(user('bob'))).toBeUndefined();
    });

    test('what a visitor cleared is told no more, and its thread is forgotten, others keep theirs', async () => {
      const [alice, bob] = [user('alice'), anonymous('bob')];
      const other = exchange(user('carl'));
      await finished(exchange(alice), exchange(alice), exchange(bob), exchange(bob), other);
      for (const visitor of [alice, bob, other.visitor])
        under.store.setThread(visitor, { id: 'x', madeBy: 'test' });
      await under.store.clear(alice, true);
      await under.store.clear(bob, false);
      await under.store.clear(user('nobody'), true);
      const later = exchange(alice);
      await finished(later);
      for (const round of ['before', 'after']) {
        expect(await under.store.recent(alice, { limit: 5 }), round).toEqual([later]);
        expect(await under.store.recent(bob, { limit: 5 }), round).toEqual([]);
        expect(await under.store.recent(other.visitor, { limit: 5 }), round).toEqual([other]);
        expect(await under.store.thread(alice)).toBeUndefined();
        expect(await under.store.thread(bob)).toBeUndefined();
        expect(await under.store.thread(other.visitor)).toBeDefined();
        await reopen();
      }
    });

    test('a user_id on trust and the same one verified are two visitors', async () => {
      const verified: Visitor = { kind: 'verified', id: 'alice' };
      const [open, sure] = [exchange(user('alice')), exchange(verified)];
      await finished(open, sure);
      under.store.setThread(user('alice'), { id: 'open', madeBy: 'test' });
      await reopen();
      expect(await under.store.recent(user('alice'), { limit: 5 })).toEqual([open]);
      expect(await under.store.recent(verified, { limit: 5 })).toEqual([sure]);
      expect(await under.store.thread(verified)).toBeUndefined();
    });

    test('a visitor’s opinion of an answer is kept, replaced and withdrawn, and nobody else can give one', async ({
      skip,
    }) => {
      skip(!under.store.setFeedback, 'this under.store keeps no opinions yet');
      const rate = (...of: Parameters<FeedbackLog['setFeedback']>) => under.store.setFeedback?.(...of);
      const [one, other] = [exchange(user('alice')), exchange(user('alice'))];
      await finished(one, other);
      const up = { rating: 'up', comment: 'Nice \u{1F642}' } as const;
      for (const stranger of [user('bob'), anonymous('alice'), { kind: 'verified', id: 'alice' } as const]) {
        expect(await rate(one.id, stranger, up)).toBe(false);
      }
      expect(await rate(randomUUID(), user('alice'), up)).toBe(false);
      expect(await under.store.exchange(one.id)).toEqual(one);
      expect(await rate(one.id, user('alice'), up)).toBe(true);
      expect(await under.store.exchange(one.id)).toEqual({ ...one, feedback: up });
      expect(await rate(one.id, user('alice'), { rating: 'down' })).toBe(true);
      const down = { ...one, feedback: { rating: 'down' } };
      await reopen();
      expect(await under.store.recent(user('alice'), { limit: 5 })).toEqual([other, down]);
      expect(await rate(one.id, user('alice'), undefined)).toBe(true);
      await reopen();
      expect(await under.store.exchange(one.id)).toEqual(one);
    });

    test('a user_id that was verified stays so', async () => {
      for (const id of ['alice', '__proto__']) {
        expect(await under.store.isVerified(id)).toBe(false);
        await under.store.markVerified(id);
        await under.store.markVerified(id);
        await reopen();
        expect(await under.store.isVerified(id)).toBe(true);
      }
      expect(await under.store.isVerified('Alice')).toBe(false);
    });

    test('a token ends once, for good', async () => {
      const until = Date.now() / 1000 + 60;
      expect(await under.store.hasEnded('one')).toBe(false);
      const ends = await Promise.all([1, 2, 3].map(() => under.store.endToken('one', until)));
      expect(ends.toSorted()).toEqual([false, false, true]);
      await reopen();
      expect(await under.store.hasEnded('one')).toBe(true);
      expect(await under.store.endToken('one', until)).toBe(false);
      expect(await under.store.hasEnded('two')).toBe(false);
    });

    test('visitors are listed page by page, with how much they said and when they were last seen', async () => {
      const last = exchange(user('alice'));
      await finished(exchange(user('alice')), exchange(anonymous('one')), last, exchange(user('bob')));
      const first = await under.store.visitors({ limit: 2 });
      const rest = await under.store.visitors({ limit: 2, after: first[1]?.key ?? '' });
      const all = [...first, ...rest];
      expect(new Set(all.map(({ key }) => key))).toEqual(new Set(['u:alice', 'a:one', 'u:bob']));
      expect(all.find(({ key }) => key === 'u:alice')).toMatchObject({
        visitor: user('alice'),
        messages: 2,
        lastSeen: last.timestamp,
      });
    });

    test('a page of visitors goes on where the one that ended the page before is gone', async () => {
      await finished(...['a', 'b', 'c', 'd'].map((name) => exchange(user(name))));
      const [, last] = await under.store.visitors({ limit: 2 });
      expect(last?.key).toBe('u:b');
      await under.store.clear(user('b'), false);
      const rest = await under.store.visitors({ limit: 5, after: 'u:b' });
      expect(rest.map(({ key }) => key)).toEqual(['u:c', 'u:d']);
      const all = await under.store.visitors({ limit: 5 });
      expect(all.map(({ key }) => key)).toEqual(['u:a', 'u:c', 'u:d']);
    });

    test('visitors are found by what they called themselves last, page by page, through a restart', async () => {
      const [one, two, three, four] = [anonymous('one'), anonymous('two'), user('three'), user('four')];
      const unnamed = exchange(two);
      await finished(
        exchange(one, { name: 'TR' }),
        exchange(two, { name: 'TR' }),
        unnamed,
        exchange(three, { name: 'TR' }),
        exchange(three, { name: 'tr' }),
        exchange(four),
      );
      const keysOf = async (page: Parameters<Store['visitors']>[0]) =>
        (await under.store.visitors(page)).map(({ key }) => key);
      for (const round of ['before', 'after']) {
        const [first, second] = await under.store.visitors({ limit: 5, name: 'TR' });
        expect(new Set([first?.key, second?.key]), round).toEqual(new Set(['a:one', 'a:two']));
        const [summary] = [first, second].filter((found) => found?.key === 'a:two');
        expect(summary).toEqual({
          key: 'a:two',
          visitor: two,
          name: 'TR',
          messages: 2,
          lastSeen: unnamed.timestamp,
        });
        expect(await keysOf({ limit: 1, name: 'TR' })).toEqual([first?.key]);
        expect(await keysOf({ limit: 5, name: 'TR', after: first?.key ?? '' })).toEqual([second?.key]);
        expect(await keysOf({ limit: 5, name: 'tr' })).toEqual(['u:three']);
        expect(await keysOf({ limit: 5, name: '' })).toEqual([]);
        expect(
          (await under.store.visitors({ limit: 5 })).find(({ key }) => key === 'u:four'),
        ).not.toHaveProperty('name');
        expect(await under.store.recent(two, { limit: 5 })).toMatchObject([
          { id: unnamed.id },
          { name: 'TR' },
        ]);
        await reopen();
      }
      await under.store.clear(one, true);
      expect(await keysOf({ limit: 5, name: 'TR' })).toEqual(['a:two']);
    });
  });
};
