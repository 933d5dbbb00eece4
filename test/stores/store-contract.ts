import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AcceptedMessage, Exchange, Visitor } from '../../src/chat/model.ts';
import type { FeedbackLog, Store } from '../../src/chat/store-port.ts';

/** A store under test, in a place of its own. */
export interface StoreUnderTest {
  readonly store: Store & Partial<FeedbackLog>;
  /** Closes the store and opens it anew on the same data. */
  reopen(): Promise<Store & Partial<FeedbackLog>>;
  /** Lets go of the store and the place. */
  dispose(): Promise<void>;
}

export const user = (id: string): Visitor => ({ kind: 'user', id });
export const anonymous = (session: string): Visitor => ({ kind: 'anonymous', id: session });

let clock = 1_767_225_600_000; // 2026-01-01

/** A message that was just taken; each a little later than the one before. */
export const message = (visitor: Visitor, text = 'Hello!', id: string = randomUUID()): AcceptedMessage => {
  clock += 1000;
  return { id, visitor, user: text, timestamp: clock / 1000 };
};

/** A message and its answer. */
export const exchange = (visitor: Visitor, overrides: Partial<Exchange> = {}): Exchange => ({
  ...message(visitor),
  bot: 'Hello there!',
  ...overrides,
});

/** What every store does, whatever it is made of. */
export const storeContract = (name: string, open: () => Promise<StoreUnderTest>): void => {
  describe(name, () => {
    let place: StoreUnderTest;
    let store: Store & Partial<FeedbackLog>;
    const reopen = async (): Promise<void> => {
      store = await place.reopen();
    };
    const finished = async (...exchanges: Exchange[]): Promise<void> => {
      for (const one of exchanges) {
        await store.accept(one);
        await store.finish(one);
      }
    };
    beforeEach(async () => {
      place = await open();
      store = place.store;
    });
    afterEach(() => place.dispose());

    test('a finished exchange is there after the store was closed and opened again', async () => {
      const one = exchange(user('alice'), { truncated: true, usage: { input: 12, output: 34 } });
      await finished(one);
      expect(await store.recent(one.visitor, { limit: 10 })).toEqual([one]);
      await reopen();
      expect(await store.recent(one.visitor, { limit: 10 })).toEqual([one]);
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
        expect(await store.recent(one.visitor, { limit: 10 }), round).toEqual([refused, one]);
        expect(await store.exchange(one.id), round).toEqual(one);
        await reopen();
      }
    });

    test('exchanges come newest first, page by page', async () => {
      const all = Array.from({ length: 7 }, () => exchange(user('alice')));
      await finished(...all);
      const newestFirst = all.toReversed();
      for (const round of ['before', 'after']) {
        const first = await store.recent(user('alice'), { limit: 3 });
        expect(first, round).toEqual(newestFirst.slice(0, 3));
        const second = await store.recent(user('alice'), { limit: 3, before: first[2]?.id ?? '' });
        expect(second, round).toEqual(newestFirst.slice(3, 6));
        const third = await store.recent(user('alice'), { limit: 3, before: second[2]?.id ?? '' });
        expect(third, round).toEqual(newestFirst.slice(6));
        await reopen();
      }
    });

    test('a page before an exchange that is not this visitor’s is empty', async () => {
      const other = exchange(user('bob'));
      await finished(exchange(user('alice')), other);
      expect(await store.recent(user('alice'), { limit: 5, before: other.id })).toEqual([]);
      expect(await store.recent(user('alice'), { limit: 5, before: 'nothing' })).toEqual([]);
    });

    test('a failed turn is kept with its code and without an answer', async () => {
      const failed = exchange(user('alice'), { bot: null, error: 'upstream_timeout' });
      await finished(failed);
      await reopen();
      expect(await store.recent(user('alice'), { limit: 1 })).toEqual([failed]);
    });

    test('an exchange is recorded once, however often it is finished', async () => {
      const first = exchange(user('alice'));
      const again = { ...first, bot: 'Another answer' };
      await store.accept(first);
      await Promise.all([store.finish(first), store.finish(again)]);
      await store.finish(again);
      expect(await store.recent(user('alice'), { limit: 5 })).toEqual([first]);
      await reopen();
      await store.finish(again);
      expect(await store.recent(user('alice'), { limit: 5 })).toEqual([first]);
    });

    test('a user and an anonymous session of the same text are two visitors', async () => {
      const named = exchange(user('x'));
      const unnamed = exchange(anonymous('x'));
      await finished(named, unnamed);
      store.setThread(user('x'), { id: 'thread-u', madeBy: 'test' });
      await reopen();
      expect(await store.recent(user('x'), { limit: 5 })).toEqual([named]);
      expect(await store.recent(anonymous('x'), { limit: 5 })).toEqual([unnamed]);
      expect(await store.thread(anonymous('x'))).toBeUndefined();
    });

    test('anonymous sessions do not see each other', async () => {
      const mine = [exchange(anonymous('one')), exchange(anonymous('one'))];
      const theirs = exchange(anonymous('two'));
      await finished(...mine, theirs);
      await reopen();
      expect(await store.recent(anonymous('one'), { limit: 5 })).toEqual(mine.toReversed());
      expect(await store.recent(anonymous('two'), { limit: 5 })).toEqual([theirs]);
      expect(await store.recent(anonymous('three'), { limit: 5 })).toEqual([]);
    });

    const oddIds = ['__proto__', 'constructor', 'toString', '42', '-1', 'Alice', 'alice', ' alice', 'ålice'];
    const oddest = ['a\u030alice', '🙂', '"quoted"', 'line\nbreak', '../../etc/passwd', 'u:alice', '\u2028'];
    test('visitors are told apart by the exact text of any id', async () => {
      const all = [...oddIds, ...oddest].map((id) => exchange(user(id), { bot: `for ${id}` }));
      await finished(...all);
      for (const { visitor } of all) store.setThread(visitor, { id: visitor.id, madeBy: 'test' });
      await reopen();
      for (const one of all) {
        expect(await store.recent(one.visitor, { limit: 5 })).toEqual([one]);
        expect(await store.thread(one.visitor)).toEqual({ id: one.visitor.id, madeBy: 'test' });
      }
    });

    test('text comes back exactly as it was', async () => {
      const text = '<b>"Zoë" \\ 漢字 🙂‍↔️\r\n\t\u2028\u0001 __proto__ {"user":1}';
      const one = exchange(user('alice'), { user: text, bot: text });
      await finished(one);
      await reopen();
      expect(await store.recent(user('alice'), { limit: 1 })).toEqual([one]);
    });

    test('a message that was taken and never finished is interrupted after a restart, until it is finished', async () => {
      const [cut, done] = [message(user('alice')), message(anonymous('one'))];
      await Promise.all([store.accept(cut), store.accept(done)]);
      await store.finish({ ...done, bot: 'Yes' });
      expect(await store.interrupted()).toEqual([]);
      await reopen();
      await store.accept(message(user('bob')));
      expect(await store.interrupted()).toEqual([cut]);
      await store.finish({ ...cut, bot: null, error: 'internal_error' });
      expect(await store.interrupted()).toEqual([]);
      expect(await store.recent(user('alice'), { limit: 5 })).toMatchObject([{ id: cut.id, bot: null }]);
    });

    test('an answer is kept whatever characters the upstream has put into it', async () => {
      const one = exchange(user('alice'), { bot: 'before\u0000after' });
      store.setThread(user('alice'), { id: 'thread\ud800', madeBy: 'test' });
      await finished(one);
      const [found] = await store.recent(user('alice'), { limit: 1 });
      expect(['before\u0000after', 'before\ufffdafter']).toContain(found?.bot);
    });

    test('a message that was taken may run when those of its visitor before it are over, and is unfinished until it is', async () => {
      const [first, second] = [message(user('alice')), message(user('alice'))];
      const { signal } = new AbortController();
      for (const one of [first, second]) {
        expect(await store.unfinished(one.id)).toBeUndefined();
        const begun = await store.accept(one);
        expect(await store.unfinished(one.id)).toEqual(one);
        if (begun.type !== 'accepted') throw new Error('it was not taken');
        await begun.mayRun(signal);
        expect(await store.exchange(one.id)).toBeUndefined();
        await store.finish({ ...one, bot: 'Yes' });
        expect(await store.unfinished(one.id)).toBeUndefined();
      }
    });

    test('an exchange is found by its id, with whose it is', async () => {
      const named = exchange(user('anonymous session'));
      const unnamed = exchange(anonymous('one'), { bot: null, error: 'upstream_failed' });
      await finished(named, unnamed);
      for (const round of ['before', 'after']) {
        expect(await store.exchange(named.id), round).toEqual(named);
        expect(await store.exchange(unnamed.id), round).toEqual(unnamed);
        expect(await store.exchange(randomUUID()), round).toBeUndefined();
        await reopen();
      }
    });

    test('a key names the message that was last begun with it, through restarts', async () => {
      const [cut, first] = [message(user('alice')), message(user('alice'))];
      await store.accept({ ...cut, key: 'cut' });
      await store.accept({ ...first, key: 'key' });
      await store.finish({ ...first, key: 'key', bot: null, error: 'upstream_failed' });
      expect(await store.keyed('key')).toBe(first.id);
      const second = message(user('alice'));
      await store.accept({ ...second, key: 'key' });
      await store.finish({ ...second, key: 'key', bot: 'Yes' });
      for (const round of ['before', 'after', 'and again']) {
        expect(await store.keyed('key'), round).toBe(second.id);
        expect(await store.keyed('cut'), round).toBe(cut.id);
        expect(await store.keyed('another'), round).toBeUndefined();
        await reopen();
      }
      expect(await store.interrupted()).toEqual([{ ...cut, key: 'cut' }]);
      // What the key is about is no part of the transcript.
      expect(await store.exchange(second.id)).toEqual({ ...second, bot: 'Yes' });
    });

    test('a key is forgotten when a day’s messages have come after it', async () => {
      const old = message(user('alice'));
      await store.accept({ ...old, key: 'old' });
      await store.accept({ ...message(user('alice')), timestamp: old.timestamp + 86_000, key: 'young' });
      expect(await store.keyed('old')).toBe(old.id);
      await store.accept({ ...message(user('alice')), timestamp: old.timestamp + 86_401, key: 'new' });
      for (const round of ['before', 'after']) {
        expect(await store.keyed('old'), round).toBeUndefined();
        expect(await store.keyed('young'), round).toBeDefined();
        await reopen();
      }
    });

    test('a visitor’s thread is kept, replaced and forgotten', async () => {
      const alice = user('alice');
      await finished(exchange(alice), exchange(user('bob')));
      expect(await store.thread(alice)).toBeUndefined();
      store.setThread(alice, { id: 'one', madeBy: 'test' });
      store.setThread(alice, { id: 'two', madeBy: 'other' });
      store.setThread(user('bob'), { id: 'three', madeBy: 'test' });
      store.setThread(user('bob'), undefined);
      expect(await store.thread(alice)).toEqual({ id: 'two', madeBy: 'other' });
      await reopen();
      expect(await store.thread(alice)).toEqual({ id: 'two', madeBy: 'other' });
      expect(await store.thread(user('bob'))).toBeUndefined();
    });

    test('what a visitor cleared is told no more, and its thread is forgotten, others keep theirs', async () => {
      const [alice, bob] = [user('alice'), anonymous('bob')];
      const other = exchange(user('carl'));
      await finished(exchange(alice), exchange(alice), exchange(bob), exchange(bob), other);
      for (const visitor of [alice, bob, other.visitor])
        store.setThread(visitor, { id: 'x', madeBy: 'test' });
      await store.clear(alice, true);
      await store.clear(bob, false);
      await store.clear(user('nobody'), true);
      const later = exchange(alice);
      await finished(later);
      for (const round of ['before', 'after']) {
        expect(await store.recent(alice, { limit: 5 }), round).toEqual([later]);
        expect(await store.recent(bob, { limit: 5 }), round).toEqual([]);
        expect(await store.recent(other.visitor, { limit: 5 }), round).toEqual([other]);
        expect(await store.thread(alice)).toBeUndefined();
        expect(await store.thread(bob)).toBeUndefined();
        expect(await store.thread(other.visitor)).toBeDefined();
        await reopen();
      }
    });

    test('a user_id on trust and the same one verified are two visitors', async () => {
      const verified: Visitor = { kind: 'verified', id: 'alice' };
      const [open, sure] = [exchange(user('alice')), exchange(verified)];
      await finished(open, sure);
      store.setThread(user('alice'), { id: 'open', madeBy: 'test' });
      await reopen();
      expect(await store.recent(user('alice'), { limit: 5 })).toEqual([open]);
      expect(await store.recent(verified, { limit: 5 })).toEqual([sure]);
      expect(await store.thread(verified)).toBeUndefined();
    });

    test('a visitor’s opinion of an answer is kept, replaced and taken back, and nobody else can give one', async ({
      skip,
    }) => {
      skip(!store.setFeedback, 'this store keeps no opinions yet');
      const rate = (...of: Parameters<FeedbackLog['setFeedback']>) => store.setFeedback?.(...of);
      const [one, other] = [exchange(user('alice')), exchange(user('alice'))];
      await finished(one, other);
      const up = { rating: 'up', comment: 'Nice \u{1F642}' } as const;
      for (const stranger of [user('bob'), anonymous('alice'), { kind: 'verified', id: 'alice' } as const]) {
        expect(await rate(one.id, stranger, up)).toBe(false);
      }
      expect(await rate(randomUUID(), user('alice'), up)).toBe(false);
      expect(await store.exchange(one.id)).toEqual(one);
      expect(await rate(one.id, user('alice'), up)).toBe(true);
      expect(await store.exchange(one.id)).toEqual({ ...one, feedback: up });
      expect(await rate(one.id, user('alice'), { rating: 'down' })).toBe(true);
      const down = { ...one, feedback: { rating: 'down' } };
      await reopen();
      expect(await store.recent(user('alice'), { limit: 5 })).toEqual([other, down]);
      expect(await rate(one.id, user('alice'), undefined)).toBe(true);
      await reopen();
      expect(await store.exchange(one.id)).toEqual(one);
    });

    test('who was vouched for stays so', async () => {
      for (const id of ['alice', '__proto__']) {
        expect(await store.isVerified(id)).toBe(false);
        await store.markVerified(id);
        await store.markVerified(id);
        await reopen();
        expect(await store.isVerified(id)).toBe(true);
      }
      expect(await store.isVerified('Alice')).toBe(false);
    });

    test('a token ends once, for good', async () => {
      const until = Date.now() / 1000 + 60;
      expect(await store.hasEnded('one')).toBe(false);
      const ends = await Promise.all([1, 2, 3].map(() => store.endToken('one', until)));
      expect(ends.toSorted()).toEqual([false, false, true]);
      await reopen();
      expect(await store.hasEnded('one')).toBe(true);
      expect(await store.endToken('one', until)).toBe(false);
      expect(await store.hasEnded('two')).toBe(false);
    });

    test('visitors are listed page by page, with how much they said and when they were last seen', async () => {
      const last = exchange(user('alice'));
      await finished(exchange(user('alice')), exchange(anonymous('one')), last, exchange(user('bob')));
      const first = await store.visitors({ limit: 2 });
      const rest = await store.visitors({ limit: 2, after: first[1]?.key ?? '' });
      const all = [...first, ...rest];
      expect(new Set(all.map(({ key }) => key))).toEqual(new Set(['u:alice', 'a:one', 'u:bob']));
      expect(all.find(({ key }) => key === 'u:alice')).toMatchObject({
        visitor: user('alice'),
        messages: 2,
        lastSeen: last.timestamp,
      });
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
        (await store.visitors(page)).map(({ key }) => key);
      for (const round of ['before', 'after']) {
        const [first, second] = await store.visitors({ limit: 5, name: 'TR' });
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
        expect((await store.visitors({ limit: 5 })).find(({ key }) => key === 'u:four')).not.toHaveProperty(
          'name',
        );
        expect(await store.recent(two, { limit: 5 })).toMatchObject([{ id: unnamed.id }, { name: 'TR' }]);
        await reopen();
      }
      await store.clear(one, true);
      expect(await keysOf({ limit: 5, name: 'TR' })).toEqual(['a:two']);
    });

    test('a message that a crash cut off keeps its visitor’s name', async () => {
      const cut: AcceptedMessage = { ...message(anonymous('one')), name: 'Zoë' };
      await store.accept(cut);
      await reopen();
      expect(await store.interrupted()).toEqual([cut]);
    });

    test('messages are counted by day, each count given once, through a restart', async () => {
      const counts = await Promise.all(Array.from({ length: 20 }, () => store.countMessage('2026-10-13')));
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(await store.countMessage('2026-10-14')).toBe(1);
      expect(await store.countMessage('2026-10-14', -1)).toBe(0);
      expect(await store.countMessage('2026-10-14')).toBe(1);
      await reopen();
      expect(await store.countMessage('2026-10-13')).toBe(21);
      expect(await store.countMessage('2026-10-14')).toBe(2);
    });

    test('many exchanges at once are all recorded', async () => {
      const all = Array.from({ length: 300 }, (_, i) => exchange(user(`visitor-${i % 7}`)));
      await Promise.all(all.map((one) => store.accept(one).then(() => store.finish(one))));
      await reopen();
      const found = await Promise.all(
        Array.from({ length: 7 }, (_, i) => store.recent(user(`visitor-${i}`), { limit: 1000 })),
      );
      expect(new Set(found.flat().map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)));
    });

    test('it is well, and closing it twice is no fault', async () => {
      expect(store.health()).toEqual({ ok: true });
      await Promise.all([store.close(), store.close()]);
    });
  });
};
