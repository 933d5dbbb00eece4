import { describe, expect, test } from 'vitest';
import { ann, bob, type OpenOps, useOpsStore } from './ops-under-test.ts';

/** Erasure, and events on their way out. */
export const erasingContract = (name: string, open: OpenOps): void => {
  describe(`${name}: erasing`, () => {
    const under = useOpsStore(open);
    const { add, found } = under;
    test('erases a visitor in slices, goes on after a restart, and keeps nothing but the audit line', async () => {
      const words = ['Zanzibar', 'Ouagadougou', 'Titicaca'];
      for (const word of words)
        await add(ann, { user: `from ${word}`, bot: `to ${word}`, name: 'Annabella' });
      await add(bob, { user: 'I stay' });
      under.store.setThread(ann, { id: 'thread-of-ann', madeBy: 'test' });
      await under.ops.addUse('2026-03-01', ann, { tokens: 1, cost: 0 });
      await under.ops.enqueue({
        id: 'e1',
        type: 'exchange.completed',
        visitor: ann,
        at: 1,
        body: 'Zanzibar',
      });
      // Written behind a commit, as a thread is.
      await add(ann);
      const begun = await under.ops.beginErasure({ visitor: ann, at: under.now, by: 'page' });
      expect(begun).toMatchObject({ visitor: ann, by: 'page', thread: { id: 'thread-of-ann' }, erased: 0 });
      expect(await under.ops.eraseSome(ann, 2)).toBe(2);
      const { ops, store } = await under.reopen();
      const [open_] = await ops.openErasures();
      expect(open_).toMatchObject({ visitor: ann, erased: 2, thread: { id: 'thread-of-ann' } });
      expect(await ops.eraseSome(ann, 100)).toBe(2);
      expect(await ops.eraseSome(ann, 100)).toBe(0);
      await ops.scrub(ann);
      await ops.threadDeleted(ann);
      expect((await ops.openErasures())[0]?.thread).toBeUndefined();
      const line = {
        at: under.now,
        by: 'page',
        action: 'erase_visitor' as const,
        count: 4,
        subject: 'user abc',
      };
      await ops.endErasure(ann, line);
      expect(await ops.openErasures()).toEqual([]);
      expect(await ops.auditLog(5)).toEqual([line]);
      expect(await store.recent(ann, { limit: 5 })).toEqual([]);
      expect(await store.thread(ann)).toBeUndefined();
      expect((await ops.dayUse('2026-03-01', ann)).visitor.tokens).toBe(0);
      expect((await store.recent(bob, { limit: 5 })).length).toBe(1);
      expect((await ops.outboxState()).waiting).toBe(0);
      for (const text of [...words, 'Annabella', 'thread-of-ann']) {
        expect(await under.keeps(text), text).toBe(false);
        expect(await under.keeps(text.toLowerCase()), text).toBe(false);
      }
      expect(await under.keeps('I stay')).toBe(true);
    });

    test('erases what is older than a moment', async () => {
      await add(ann, { user: 'Zanzibar' });
      const young = await add(ann);
      expect(await under.ops.eraseOlder(young.timestamp, 10)).toBe(1);
      expect(await under.ops.eraseOlder(young.timestamp, 10)).toBe(0);
      await under.ops.scrubOld(young.timestamp);
      expect(await found()).toEqual([young.id]);
      expect(await under.keeps('Zanzibar')).toBe(false);
      expect(await under.keeps('zanzibar')).toBe(false);
    });

    test('gives each delivery to one sender until its lease ends', async () => {
      const event = { id: 'e1', type: 'exchange.completed', at: 100, body: '{"a":1}' };
      await under.ops.enqueue(event);
      await under.ops.enqueue(event);
      expect(await under.ops.due(100, 160, 10)).toEqual([{ ...event, tries: 0 }]);
      expect(await under.ops.due(110, 170, 10)).toEqual([]);
      expect(await under.ops.due(161, 220, 10)).toHaveLength(1);
      await under.ops.notDelivered('e1', 'status 500', 300);
      expect(await under.ops.due(299, 400, 10)).toEqual([]);
      const { ops } = await under.reopen();
      expect(await ops.due(300, 400, 10)).toEqual([{ ...event, tries: 1 }]);
      expect(await ops.outboxState()).toEqual({
        waiting: 1,
        troubled: [
          {
            id: 'e1',
            type: 'exchange.completed',
            at: 100,
            tries: 1,
            reason: 'status 500',
            givenUp: false,
          },
        ],
      });
      await ops.notDelivered('e1', 'refused', null);
      expect(await ops.due(10_000, 10_060, 10)).toEqual([]);
      expect((await ops.outboxState()).troubled[0]).toMatchObject({ tries: 2, givenUp: true });
      await ops.enqueue({ ...event, id: 'e2' });
      await ops.delivered('e2');
      expect((await ops.outboxState()).waiting).toBe(0);
    });
  });
};
