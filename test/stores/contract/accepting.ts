import { describe, expect, test } from 'vitest';
import type { AcceptedMessage } from '../../../src/chat/model.ts';
import { anonymous, exchange, message, user } from '../../helpers/exchanges.ts';
import { type OpenStore, useStore } from './store-under-test.ts';

/** Messages from being accepted to being finished, with their idempotency keys and counts. */
export const acceptingContract = (name: string, open: OpenStore): void => {
  describe(`${name}: accepting`, () => {
    const under = useStore(open);
    const { reopen } = under;

    test('an exchange is recorded once, however often it is finished', async () => {
      const first = exchange(user('alice'));
      const again = { ...first, bot: 'Another answer' };
      await under.store.accept(first);
      await Promise.all([under.store.finish(first), under.store.finish(again)]);
      await under.store.finish(again);
      expect(await under.store.recent(user('alice'), { limit: 5 })).toEqual([first]);
      await reopen();
      await under.store.finish(again);
      expect(await under.store.recent(user('alice'), { limit: 5 })).toEqual([first]);
    });

    test('a message that was accepted and never finished is interrupted after a restart, until it is finished', async () => {
      const [cut, done] = [message(user('alice')), message(anonymous('one'))];
      await Promise.all([under.store.accept(cut), under.store.accept(done)]);
      await under.store.finish({ ...done, bot: 'Yes' });
      expect(await under.store.interrupted()).toEqual([]);
      await reopen();
      await under.store.accept(message(user('bob')));
      expect(await under.store.interrupted()).toEqual([cut]);
      await under.store.finish({ ...cut, bot: null, error: 'internal_error' });
      expect(await under.store.interrupted()).toEqual([]);
      expect(await under.store.recent(user('alice'), { limit: 5 })).toMatchObject([
        { id: cut.id, bot: null },
      ]);
    });

    test('a message that was accepted may run when those of its visitor before it are over, and is unfinished until it is', async () => {
      const [first, second] = [message(user('alice')), message(user('alice'))];
      const { signal } = new AbortController();
      for (const one of [first, second]) {
        expect(await under.store.unfinished(one.id)).toBeUndefined();
        const begun = await under.store.accept(one);
        expect(await under.store.unfinished(one.id)).toEqual(one);
        if (begun.type !== 'accepted') throw new Error('it was not accepted');
        await begun.mayRun(signal);
        expect(await under.store.exchange(one.id)).toBeUndefined();
        await under.store.finish({ ...one, bot: 'Yes' });
        expect(await under.store.unfinished(one.id)).toBeUndefined();
      }
    });

    test('accepting tells the visitor’s thread and last exchange, the newest included, as they are asked for', async () => {
      const told = async () => {
        const next = message(user('alice'));
        const accepted = await under.store.accept(next);
        if (accepted.type !== 'accepted') throw new Error('it was not accepted');
        await under.store.finish({ ...next, bot: null, error: 'internal_error' });
        const { thread, lastSeen } = accepted;
        return { thread, lastSeen, at: next.timestamp };
      };
      const first = await told();
      expect(first).toMatchObject({ thread: null, lastSeen: null });
      under.store.setThread(user('alice'), { id: 'x', madeBy: 'test' });
      const second = await told();
      expect(second).toMatchObject({ thread: { id: 'x', madeBy: 'test' }, lastSeen: first.at });
      await reopen();
      const third = await told();
      expect(third).toMatchObject({ thread: { id: 'x', madeBy: 'test' }, lastSeen: second.at });
      under.store.setThread(user('alice'), undefined);
      expect(await told()).toMatchObject({ thread: null, lastSeen: third.at });
      await under.store.clear(user('alice'), true);
      expect(await told()).toMatchObject({ thread: null, lastSeen: null });
    });

    test('a key names the message that was last accepted with it, through restarts', async () => {
      const [cut, first] = [message(user('alice')), message(user('alice'))];
      await under.store.accept({ ...cut, key: 'cut' });
      await under.store.accept({ ...first, key: 'key' });
      await under.store.finish({ ...first, key: 'key', bot: null, error: 'upstream_failed' });
      expect(await under.store.keyed('key')).toBe(first.id);
      const second = message(user('alice'));
      await under.store.accept({ ...second, key: 'key' });
      await under.store.finish({ ...second, key: 'key', bot: 'Yes' });
      for (const round of ['before', 'after', 'and again']) {
        expect(await under.store.keyed('key'), round).toBe(second.id);
        expect(await under.store.keyed('cut'), round).toBe(cut.id);
        expect(await under.store.keyed('another'), round).toBeUndefined();
        await reopen();
      }
      expect(await under.store.interrupted()).toEqual([{ ...cut, key: 'cut' }]);
      // What the key is about is no part of the transcript.
      expect(await under.store.exchange(second.id)).toEqual({ ...second, bot: 'Yes' });
    });

    test('a key is forgotten when a day’s messages have come after it', async () => {
      const old = message(user('alice'));
      await under.store.accept({ ...old, key: 'old' });
      await under.store.accept({
        ...message(user('alice')),
        timestamp: old.timestamp + 86_000,
        key: 'young',
      });
      expect(await under.store.keyed('old')).toBe(old.id);
      await under.store.accept({ ...message(user('alice')), timestamp: old.timestamp + 86_401, key: 'new' });
      for (const round of ['before', 'after']) {
        expect(await under.store.keyed('old'), round).toBeUndefined();
        expect(await under.store.keyed('young'), round).toBeDefined();
        await reopen();
      }
    });

    test('a message that a crash cut off keeps its visitor’s name', async () => {
      const cut: AcceptedMessage = { ...message(anonymous('one')), name: 'Zoë' };
      await under.store.accept(cut);
      await reopen();
      expect(await under.store.interrupted()).toEqual([cut]);
    });

    test('messages are counted by day, each count given once, through a restart', async () => {
      const counts = await Promise.all(
        Array.from({ length: 20 }, () => under.store.countMessage('2026-10-13')),
      );
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(await under.store.countMessage('2026-10-14')).toBe(1);
      expect(await under.store.countMessage('2026-10-14', -1)).toBe(0);
      expect(await under.store.countMessage('2026-10-14')).toBe(1);
      await reopen();
      expect(await under.store.countMessage('2026-10-13')).toBe(21);
      expect(await under.store.countMessage('2026-10-14')).toBe(2);
    });

    test('many exchanges at once are all recorded', async () => {
      const all = Array.from({ length: 300 }, (_, i) => exchange(user(`visitor-${i % 7}`)));
      await Promise.all(all.map((one) => under.store.accept(one).then(() => under.store.finish(one))));
      await reopen();
      const found = await Promise.all(
        Array.from({ length: 7 }, (_, i) => under.store.recent(user(`visitor-${i}`), { limit: 1000 })),
      );
      expect(new Set(found.flat().map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)));
    });

    test('it is well, and closing it twice is no fault', async () => {
      expect(under.store.health()).toEqual({ ok: true });
      await Promise.all([under.store.close(), under.store.close()]);
    });
  });
};
