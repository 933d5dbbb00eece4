import { describe, expect, it } from 'vitest';
import { openTurn } from '../../src/chat/live-turns.ts';
import { createRecentTurns } from '../../src/chat/recent-turns.ts';

const visitor = { kind: 'user', id: 'ann' } as const;

/** A turn that is over, with an answer of so many characters. */
const overTurn = (id: string, length: number) => {
  const turn = openTurn({ id, visitor, user: 'Hi' });
  const bot = 'x'.repeat(length);
  turn.push({ type: 'delta', text: bot });
  turn.push({ type: 'done', exchange: { id, visitor, user: 'Hi', timestamp: 1, bot } });
  return turn;
};

describe('turns that are over', () => {
  it('are kept for five minutes', () => {
    let now = 1_000_000;
    const kept = createRecentTurns({ clock: { now: () => now } });
    kept.add(overTurn('one', 10));
    now += 4 * 60_000;
    kept.add(overTurn('two', 10));
    expect(kept.get('one')?.count).toBe(3);
    now += 60_000;
    expect(kept.get('one')).toBeUndefined();
    expect(kept.get('two')?.count).toBe(3);
  });

  it('take a bounded amount of memory: the oldest are let go', () => {
    const kept = createRecentTurns({ clock: { now: () => 0 } });
    const ids = Array.from({ length: 100 }, (_, n) => `turn-${n}`);
    for (const id of ids) kept.add(overTurn(id, 100_000));
    const left = ids.filter((id) => kept.get(id));
    expect(left).toEqual(ids.slice(-left.length));
    expect(left.length).toBeGreaterThan(10);
    expect(left.length).toBeLessThan(25);
    kept.add(overTurn('too large alone', 3_000_000));
    expect(kept.get('too large alone')).toBeUndefined();
    expect(ids.filter((id) => kept.get(id))).toEqual(left);
  });
});
