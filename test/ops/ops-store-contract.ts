import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Exchange, Feedback, Visitor } from '../../src/chat/model.ts';
import type { Store } from '../../src/chat/store-port.ts';
import { searchTerms } from '../../src/ops/fold.ts';
import type { ExchangeFilter, OpsStore, PageRequest } from '../../src/ops/ops-port.ts';

/** A store under test, in a place of its own. */
export interface OpsUnderTest {
  readonly store: Store;
  readonly ops: OpsStore;
  /** Sets what a visitor thought of an exchange. */
  rate(id: string, feedback: Feedback): Promise<void>;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<Pick<OpsUnderTest, 'store' | 'ops' | 'rate'>>;
  /** Whether a text is anywhere in what the store keeps: every file, or every table. */
  keeps(text: string): Promise<boolean>;
  dispose(): Promise<void>;
}

const ann: Visitor = { kind: 'user', id: 'ann' };
const bob: Visitor = { kind: 'verified', id: 'bob' };
const guest: Visitor = { kind: 'anonymous', id: 'session-1' };
/** 2026-03-01T00:00:00Z */
const START = 1_772_323_200;
const HOUR = 3_600;

/** What every store does for operators, whatever it is made of. */
export const opsStoreContract = (name: string, open: () => Promise<OpsUnderTest>): void => {
  describe(name, () => {
    let place: OpsUnderTest;
    let clock = START;
    beforeEach(async () => {
      clock = START;
      place = await open();
    });
    afterEach(() => place.dispose());

    const add = async (visitor: Visitor, fields: Partial<Exchange> = {}): Promise<Exchange> => {
      clock += 60;
      const exchange: Exchange = {
        id: randomUUID(),
        visitor,
        user: 'Hello!',
        bot: 'Hello there!',
        timestamp: clock,
        ...fields,
      };
      await place.store.accept(exchange);
      await place.store.finish(exchange);
      return exchange;
    };
    const failed = (visitor: Visitor, error = 'upstream_timeout') => add(visitor, { bot: null, error });
    const listed = async (filter: ExchangeFilter = {}, page: PageRequest = { limit: 50 }) =>
      (await place.ops.conversations(filter, page)).rows.map(({ visitor }) => visitor.id);
    const found = async (filter: ExchangeFilter = {}, page: PageRequest = { limit: 50 }) =>
      (await place.ops.exchanges(filter, page)).rows.map(({ id }) => id);

    test('lists conversations by their newest message, with what happened in each', async () => {
      await add(ann, { user: 'First words', name: 'Ann A.' });
      await failed(ann);
      await add(bob);
      const last = await add(ann, { unanswered: true });
      await place.rate(last.id, { rating: 'down', comment: 'no help' });
      await add(guest, { bot: null, error: 'internal_error', flagged: ['hate'] });
      const { rows, hasNewer, hasOlder } = await place.ops.conversations({}, { limit: 10 });
      expect(rows.map(({ visitor }) => visitor)).toEqual([guest, ann, bob]);
      expect([hasNewer, hasOlder]).toEqual([false, false]);
      expect(rows[1]).toMatchObject({
        name: 'Ann A.',
        firstWords: 'First words',
        exchanges: 3,
        failed: 1,
        up: 0,
        down: 1,
        unanswered: 1,
        lastSeen: last.timestamp,
        match: { id: last.id, feedback: { rating: 'down', comment: 'no help' } },
      });
      expect(rows[0]).toMatchObject({ flagged: 1, failed: 1 });
    });

    test('keeps what is known of an exchange', async () => {
      const exchange = await add(ann, {
        usage: { input: 12, output: 34 },
        sources: [{ n: 1, title: 'Returns', url: 'https://example.org/returns' }],
        truncated: true,
        run: {
          backend: 'responses',
          model: 'gpt-6-luna',
          queuedMs: 1,
          firstWordMs: 120,
          totalMs: 800,
          tools: ['f'],
        },
      });
      expect(await place.ops.opsExchange(exchange.id)).toMatchObject(exchange);
      expect(await place.ops.opsExchange('nothing')).toBeUndefined();
      expect(await place.ops.backends()).toEqual(['responses']);
    });

    test('pages through conversations and exchanges, both ways, without losing or repeating one', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 25; n++) ids.unshift((await add({ kind: 'user', id: `v${n % 10}` })).id);
      for (const list of ['exchanges', 'conversations'] as const) {
        const pages: string[][] = [];
        const idsOf = (rows: readonly { cursor: string; id?: string; match?: { id: string } }[]) =>
          rows.map((row) => row.id ?? row.match?.id ?? '');
        let page = await place.ops[list]({}, { limit: 4 });
        pages.push(idsOf(page.rows));
        while (page.hasOlder) {
          page = await place.ops[list]({}, { limit: 4, before: page.rows.at(-1)?.cursor ?? '' });
          expect(page.hasNewer).toBe(true);
          pages.push(idsOf(page.rows));
        }
        expect(pages.flat(), list).toEqual(list === 'exchanges' ? ids : ids.slice(0, 10));
        for (const expected of pages.slice(0, -1).toReversed()) {
          page = await place.ops[list]({}, { limit: 4, after: page.rows[0]?.cursor ?? '' });
          expect(idsOf(page.rows), list).toEqual(expected);
          expect(page.hasOlder).toBe(true);
        }
        expect(page.hasNewer).toBe(false);
      }
    });

    test('gives exchanges oldest first, from a cursor on', async () => {
      const ids = [(await add(ann)).id, (await add(bob)).id, (await add(ann)).id];
      const first = await place.ops.exchanges({}, { limit: 2, order: 'oldest' });
      expect(first.rows.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      const after = first.rows.at(-1)?.cursor ?? '';
      expect(await found({}, { limit: 2, order: 'oldest', after })).toEqual(ids.slice(2));
    });

    test('exchanges of the same moment are paged like any', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) ids.push((await add(ann, { timestamp: START })).id);
      const seen: string[] = [];
      let before: string | undefined;
      for (;;) {
        const { rows } = await place.ops.exchanges({}, { limit: 2, ...(before && { before }) });
        if (rows.length === 0) break;
        seen.push(...rows.map(({ id }) => id));
        before = rows.at(-1)?.cursor;
      }
      expect(seen.toSorted()).toEqual(ids.toSorted());
    });

    test('finds parts of words in message and answer, whatever their case and accents, in any language', async () => {
      const one = await add(ann, { user: 'Où est ma COMMANDE numéro 5?', bot: 'Die Straße ist gesperrt.' });
      const two = await add(bob, { user: 'Пожалуйста, ещё раз', bot: '配送は明日です' });
      const three = await add(guest, { user: '100% of_course', bot: null, error: 'internal_error' });
      const by = (query: string) => found({ words: searchTerms(query) });
      for (const query of ['ou est', 'NUMERO', 'strasse', 'mand ou', '"ma commande"']) {
        expect(await by(query), query).toEqual([one.id]);
      }
      for (const query of ['ЕЩЕ', '配送', '明日 配送']) expect(await by(query), query).toEqual([two.id]);
      for (const query of ['100%', 'of_c', '0%']) expect(await by(query), query).toEqual([three.id]);
      for (const query of ['"commande ma"', 'o%t', 'of-c', 'zzz', "'; drop table x; --", '\\'])
        expect(await by(query), query).toEqual([]);
      const { rows } = await place.ops.conversations({ words: searchTerms('commande') }, { limit: 5 });
      expect(rows.map(({ match }) => match.id)).toEqual([one.id]);
    });

    test('a conversation stands where its newest fitting exchange does', async () => {
      await add(ann, { user: 'refund' });
      await add(bob, { user: 'refund' });
      await add(ann, { user: 'thanks' });
      expect(await listed()).toEqual(['ann', 'bob']);
      expect(await listed({ words: ['refund'] })).toEqual(['bob', 'ann']);
    });

    test('filters by every field, and by all of them together', async () => {
      const a = await add(ann, { name: 'Ann Smith', run: { backend: 'responses', totalMs: 5 } });
      const b = await failed(bob);
      const c = await add(guest, { unanswered: true });
      const d = await add(ann, { bot: null, error: 'internal_error', flagged: ['hate'] });
      await place.rate(a.id, { rating: 'up' });
      await place.rate(c.id, { rating: 'down' });
      const cases: [ExchangeFilter, string[]][] = [
        [{ from: b.timestamp, to: d.timestamp }, [c.id, b.id]],
        [{ failed: true }, [d.id, b.id]],
        [{ failed: ['upstream_timeout'] }, [b.id]],
        [{ failed: ['upstream_timeout', 'internal_error'] }, [d.id, b.id]],
        [{ rating: 'up' }, [a.id]],
        [{ rating: 'down' }, [c.id]],
        [{ unanswered: true }, [c.id]],
        [{ flagged: true }, [d.id]],
        [{ kind: 'anonymous' }, [c.id]],
        [{ backend: 'responses' }, [a.id]],
        [{ visitor: ann }, [d.id, a.id]],
        [{ visitor: { kind: 'verified', id: 'ann' } }, []],
        [{ who: 'SESSION' }, [c.id]],
        [{ who: 'smith' }, [d.id, a.id]],
        [{ who: '%' }, []],
        [{ visitor: ann, failed: true, words: ['hello'] }, [d.id]],
        [{ visitor: ann, rating: 'down' }, []],
      ];
      for (const [filter, ids] of cases) expect(await found(filter), JSON.stringify(filter)).toEqual(ids);
      expect(await listed({ failed: true })).toEqual(['ann', 'bob']);
    });

    test('still shows what a visitor has cleared, where the log keeps it', async () => {
      const one = await add(ann);
      await place.store.clear(ann, true);
      expect((await place.ops.opsExchange(one.id))?.cleared).toBe(true);
      expect(await listed()).toEqual(['ann']);
      await add(bob);
      await place.store.clear(bob, false);
      expect(await listed()).toEqual(['ann']);
    });

    test('sums up a range of time in buckets', async () => {
      const run = { backend: 'responses', model: 'm', firstWordMs: 100, totalMs: 1_000 };
      await add(ann, { timestamp: START + 10, usage: { input: 10, output: 5 }, run });
      await add(bob, { timestamp: START + 20, run: { ...run, firstWordMs: 300, totalMs: 3_000 } });
      const down = await add(ann, { timestamp: START + HOUR, usage: { input: 1, output: 1 }, run });
      await place.rate(down.id, { rating: 'down' });
      await add(guest, { timestamp: START + HOUR + 1, bot: null, error: 'upstream_busy' });
      await add(guest, { timestamp: START + 2 * HOUR });
      await add(guest, { timestamp: START - 1 });
      await place.ops.addRefused(START + HOUR + 5, { rate_limited: 3 });
      await place.ops.addRefused(START + HOUR + 6, { rate_limited: 1, budget_spent: 1 });
      const { total, buckets, failures, busiest } = await place.ops.overview([
        START,
        START + HOUR,
        START + 2 * HOUR,
      ]);
      expect(total).toMatchObject({ messages: 4, visitors: 3, failed: 1, down: 1, up: 0, unanswered: 0 });
      expect(total.refused).toEqual({ rate_limited: 4, budget_spent: 1 });
      expect(buckets.map(({ messages, visitors, failed: bad }) => [messages, visitors, bad])).toEqual([
        [2, 2, 0],
        [2, 2, 1],
      ]);
      expect(buckets[0]?.refused).toEqual({});
      expect(buckets[1]?.refused).toEqual({ rate_limited: 4, budget_spent: 1 });
      const near = (value: number | undefined, wanted: number) =>
        expect(Math.abs((value ?? 0) - wanted)).toBeLessThanOrEqual(wanted * 0.05);
      expect(total.totalMs?.mean).toBeCloseTo(5_000 / 3, 1);
      near(total.firstWordMs?.p50, 100);
      near(total.firstWordMs?.p95, 300);
      near(total.totalMs?.p95, 3_000);
      near(buckets[1]?.totalMs?.p50, 1_000);
      expect(total.models).toContainEqual({
        backend: 'responses',
        model: 'm',
        runs: 3,
        input: 11,
        output: 6,
      });
      expect(failures).toEqual([{ code: 'upstream_busy', count: 1 }]);
      expect(busiest[0]).toMatchObject({ visitor: ann, messages: 2, tokens: 17 });
    });

    test('an overview follows what came, was rated and was erased since the one before', async () => {
      const edges = [START, START + 10 * HOUR];
      const one = await add(ann);
      expect((await place.ops.overview(edges)).total.messages).toBe(1);
      await add(bob, { timestamp: START + 1 });
      await place.rate(one.id, { rating: 'up' });
      expect((await place.ops.overview(edges)).total).toMatchObject({ messages: 2, up: 1 });
      await place.ops.beginErasure({ visitor: ann, at: clock, by: 'api' });
      await place.ops.eraseSome(ann, 10);
      expect((await place.ops.overview(edges)).total).toMatchObject({ messages: 1, up: 0 });
    });

    test('an overview of days that are long over follows what is changed in them', async () => {
      const edges = [START, START + 24 * HOUR, START + 48 * HOUR, START + 72 * HOUR];
      const messages = async () => (await place.ops.overview(edges)).buckets.map((bucket) => bucket.messages);
      const one = await add(ann);
      await add(bob, { timestamp: START + 30 * HOUR, bot: null, error: 'upstream_busy' });
      await add(ann, { timestamp: START + 31 * HOUR });
      const first = await place.ops.overview(edges);
      expect(await place.ops.overview(edges)).toEqual(first);
      expect(first.total).toMatchObject({ messages: 3, visitors: 2, failed: 1, up: 0 });
      expect(first.failures).toEqual([{ code: 'upstream_busy', count: 1 }]);
      expect(first.busiest[0]).toMatchObject({ visitor: ann, messages: 2 });
      // A turn that was cut off is recorded late.
      await add(guest, { timestamp: START + 32 * HOUR });
      expect(await messages()).toEqual([1, 3, 0]);
      await place.rate(one.id, { rating: 'up' });
      expect((await place.ops.overview(edges)).buckets[0]).toMatchObject({ messages: 1, up: 1 });
      await place.ops.beginErasure({ visitor: ann, at: clock, by: 'api' });
      await place.ops.eraseSome(ann, 10);
      expect(await messages()).toEqual([0, 2, 0]);
      expect((await place.ops.overview(edges)).total).toMatchObject({ messages: 2, visitors: 2, up: 0 });
    });

    test('an overview of nothing is empty', async () => {
      const { total, buckets, failures, busiest } = await place.ops.overview([0, HOUR]);
      expect(total).toMatchObject({ messages: 0, visitors: 0, models: [], refused: {} });
      expect(total.firstWordMs).toBeUndefined();
      expect([buckets.length, failures, busiest]).toEqual([1, [], []]);
    });

    test('counts use by day, for the site and for each visitor, across restarts', async () => {
      await Promise.all(
        Array.from({ length: 10 }, () => place.ops.addUse('2026-03-01', ann, { tokens: 5, cost: 2 })),
      );
      const after = await place.ops.addUse('2026-03-01', bob, { tokens: 1, cost: 1 });
      expect(after).toEqual({ site: { tokens: 51, cost: 21 }, visitor: { tokens: 1, cost: 1 } });
      const { ops } = await place.reopen();
      expect((await ops.dayUse('2026-03-01', ann)).visitor).toEqual({ tokens: 50, cost: 20 });
      expect(await ops.dayUse('2026-03-02', ann)).toEqual({
        site: { tokens: 0, cost: 0 },
        visitor: { tokens: 0, cost: 0 },
      });
    });

    test('erases a visitor in slices, goes on after a restart, and keeps nothing but the audit line', async () => {
      const words = ['Zanzibar', 'Ouagadougou', 'Titicaca'];
      for (const word of words)
        await add(ann, { user: `from ${word}`, bot: `to ${word}`, name: 'Annabella' });
      await add(bob, { user: 'I stay' });
      place.store.setThread(ann, { id: 'thread-of-ann', madeBy: 'test' });
      await place.ops.addUse('2026-03-01', ann, { tokens: 1, cost: 0 });
      await place.ops.enqueue({
        id: 'e1',
        type: 'exchange.completed',
        visitor: ann,
        at: 1,
        body: 'Zanzibar',
      });
      // Written behind a commit, as a thread is.
      await add(ann);
      const begun = await place.ops.beginErasure({ visitor: ann, at: clock, by: 'page' });
      expect(begun).toMatchObject({ visitor: ann, by: 'page', thread: { id: 'thread-of-ann' }, erased: 0 });
      expect(await place.ops.eraseSome(ann, 2)).toBe(2);
      const { ops, store } = await place.reopen();
      const [open_] = await ops.openErasures();
      expect(open_).toMatchObject({ visitor: ann, erased: 2, thread: { id: 'thread-of-ann' } });
      expect(await ops.eraseSome(ann, 100)).toBe(2);
      expect(await ops.eraseSome(ann, 100)).toBe(0);
      await ops.scrub(ann);
      await ops.threadDeleted(ann);
      expect((await ops.openErasures())[0]?.thread).toBeUndefined();
      const line = { at: clock, by: 'page', action: 'erase_visitor' as const, count: 4, subject: 'user abc' };
      await ops.endErasure(ann, line);
      expect(await ops.openErasures()).toEqual([]);
      expect(await ops.auditLog(5)).toEqual([line]);
      expect(await store.recent(ann, { limit: 5 })).toEqual([]);
      expect(await store.thread(ann)).toBeUndefined();
      expect((await ops.dayUse('2026-03-01', ann)).visitor.tokens).toBe(0);
      expect((await store.recent(bob, { limit: 5 })).length).toBe(1);
      expect((await ops.outboxState()).waiting).toBe(0);
      for (const text of [...words, 'Annabella', 'thread-of-ann']) {
        expect(await place.keeps(text), text).toBe(false);
        expect(await place.keeps(text.toLowerCase()), text).toBe(false);
      }
      expect(await place.keeps('I stay')).toBe(true);
    });

    test('erases what is older than a moment', async () => {
      await add(ann, { user: 'Zanzibar' });
      const young = await add(ann);
      expect(await place.ops.eraseOlder(young.timestamp, 10)).toBe(1);
      expect(await place.ops.eraseOlder(young.timestamp, 10)).toBe(0);
      await place.ops.scrubOld(START + HOUR);
      expect(await found()).toEqual([young.id]);
      expect(await place.keeps('Zanzibar')).toBe(false);
      expect(await place.keeps('zanzibar')).toBe(false);
    });

    test('gives each delivery to one sender until its lease ends', async () => {
      const event = { id: 'e1', type: 'exchange.completed', at: 100, body: '{"a":1}' };
      await place.ops.enqueue(event);
      await place.ops.enqueue(event);
      expect(await place.ops.due(100, 160, 10)).toEqual([{ ...event, tries: 0 }]);
      expect(await place.ops.due(110, 170, 10)).toEqual([]);
      expect(await place.ops.due(161, 220, 10)).toHaveLength(1);
      await place.ops.notDelivered('e1', 'status 500', 300);
      expect(await place.ops.due(299, 400, 10)).toEqual([]);
      const { ops } = await place.reopen();
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
