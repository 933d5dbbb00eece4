import { describe, expect, test } from 'vitest';
import { fold, searchTerms } from '../../../src/ops/fold.ts';
import type { ExchangeFilter } from '../../../src/ops/ops-port.ts';
import { ann, bob, guest, type OpenOps, START, useOpsStore } from './ops-under-test.ts';

/** Lists of conversations and exchanges: order, paging, filters. */
export const listsContract = (name: string, open: OpenOps): void => {
  describe(`${name}: lists`, () => {
    const under = useOpsStore(open);
    const { add, failed, listed, found } = under;
    test('lists conversations by their newest message, with what happened in each', async () => {
      await add(ann, { user: 'First words', name: 'Ann A.' });
      await failed(ann);
      await add(bob);
      const last = await add(ann, { unanswered: true });
      await under.rate(last.id, { rating: 'down', comment: 'no help' });
      await add(guest, { bot: null, error: 'internal_error', flagged: ['hate'] });
      const { rows, hasNewer, hasOlder } = await under.ops.conversations({}, { limit: 10 });
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
      expect(await under.ops.opsExchange(exchange.id)).toMatchObject(exchange);
      expect(await under.ops.opsExchange('nothing')).toBeUndefined();
      expect(await under.ops.backends()).toEqual(['responses']);
    });

    test('pages through conversations and exchanges, both ways, without losing or repeating one', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 25; n++) ids.unshift((await add({ kind: 'user', id: `v${n % 10}` })).id);
      for (const list of ['exchanges', 'conversations'] as const) {
        const pages: string[][] = [];
        const idsOf = (rows: readonly { cursor: string; id?: string; match?: { id: string } }[]) =>
          rows.map((row) => row.id ?? row.match?.id ?? '');
        let page = await under.ops[list]({}, { limit: 4 });
        pages.push(idsOf(page.rows));
        while (page.hasOlder) {
          page = await under.ops[list]({}, { limit: 4, before: page.rows.at(-1)?.cursor ?? '' });
          expect(page.hasNewer).toBe(true);
          pages.push(idsOf(page.rows));
        }
        expect(pages.flat(), list).toEqual(list === 'exchanges' ? ids : ids.slice(0, 10));
        for (const expected of pages.slice(0, -1).toReversed()) {
          page = await under.ops[list]({}, { limit: 4, after: page.rows[0]?.cursor ?? '' });
          expect(idsOf(page.rows), list).toEqual(expected);
          expect(page.hasOlder).toBe(true);
        }
        expect(page.hasNewer).toBe(false);
      }
    });

    test('gives exchanges oldest first, from a cursor on', async () => {
      const ids = [(await add(ann)).id, (await add(bob)).id, (await add(ann)).id];
      const first = await under.ops.exchanges({}, { limit: 2, order: 'oldest' });
      expect(first.rows.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      const after = first.rows.at(-1)?.cursor ?? '';
      expect(await found({}, { limit: 2, order: 'oldest', after })).toEqual(ids.slice(2));
    });

    test.each(['', 'nonsense', '1', '_', 'x_1', '1_x', '1e999999_1x', '1:2'])(
      'starts at the end of the list where the cursor is %j, which no page gave',
      async (cursor) => {
        const ids = [(await add(ann)).id, (await add(bob)).id];
        expect(await found({}, { limit: 1, before: cursor })).toEqual(ids.slice(1));
        expect(await found({}, { limit: 1, order: 'oldest', after: cursor })).toEqual(ids.slice(0, 1));
      },
    );

    test('exchanges of the same moment are paged like any', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) ids.push((await add(ann, { timestamp: START })).id);
      const seen: string[] = [];
      let before: string | undefined;
      for (;;) {
        const { rows } = await under.ops.exchanges({}, { limit: 2, ...(before && { before }) });
        if (rows.length === 0) break;
        seen.push(...rows.map(({ id }) => id));
        before = rows.at(-1)?.cursor;
      }
      expect(seen.toSorted()).toEqual(ids.toSorted());
    });

    test('finds parts of words in message and answer, whatever their case and accents, in any language', async () => {
      const one = await add(ann, { user: 'Où est ma COMMANDE numéro 5?', bot: 'Die Straße ist gesperrt.' });
      const two = await add(bob, { user: 'Пожалуйста, ещё раз', bot: '配送は明日です\0до завтра' });
      const three = await add(guest, { user: '100% of_course', bot: null, error: 'internal_error' });
      const by = (query: string) => found({ words: searchTerms(query) });
      for (const query of ['ou est', 'NUMERO', 'strasse', 'mand ou', '"ma commande"']) {
        expect(await by(query), query).toEqual([one.id]);
      }
      for (const query of ['ЕЩЕ', '配送', '明日 配送', 'завтра'])
        expect(await by(query), query).toEqual([two.id]);
      for (const query of ['100%', 'of_c', '0%']) expect(await by(query), query).toEqual([three.id]);
      for (const query of ['"commande ma"', 'o%t', 'of-c', 'zzz', "'; drop table x; --", '\\'])
        expect(await by(query), query).toEqual([]);
      const { rows } = await under.ops.conversations({ words: searchTerms('commande') }, { limit: 5 });
      expect(rows.map(({ match }) => match.id)).toEqual([one.id]);
    });

    test('finds each text by any part of it, whatever letters that begins with', async () => {
      const texts = [
        'order 4711 costs 9%',
        'a_b\\c%d',
        'quizzical',
        'eeeeee',
        'x',
        'naïve 送料は?',
        '*?[z-a]',
        '\'"q"',
      ];
      const ids: string[] = [];
      for (const user of texts) ids.push((await add(ann, { user, bot: null, error: 'internal_error' })).id);
      const parts = texts.map(fold).flatMap((text) => {
        const letters = [...text];
        return letters.flatMap((_, from) =>
          [1, 2, 4, 9].map((length) => letters.slice(from, from + length).join('')),
        );
      });
      for (const part of new Set(parts.filter((given) => given.trim() === given))) {
        const fitting = ids.filter((_, at) => fold(texts[at] ?? '').includes(part));
        expect((await found({ words: [part] })).toSorted(), part).toEqual(fitting.toSorted());
      }
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
      await under.rate(a.id, { rating: 'up' });
      await under.rate(c.id, { rating: 'down' });
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
      await under.store.clear(ann, true);
      expect((await under.ops.opsExchange(one.id))?.cleared).toBe(true);
      expect(await listed()).toEqual(['ann']);
      await add(bob);
      await under.store.clear(bob, false);
      expect(await listed()).toEqual(['ann']);
    });
  });
};
