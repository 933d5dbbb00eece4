import { expect, test } from 'vitest';
import { Shelf } from '../../emulator/shelf.ts';

const shelfOf = (count: number, weight: number) =>
  new Shelf<{ size: number; pinned?: true }>({
    count,
    weight,
    weigh: ({ size }) => size,
    pinned: ({ pinned }) => pinned === true,
  });

test('beyond its weight, too, a shelf drops what was unused longest', () => {
  const shelf = shelfOf(100, 10);
  const growing = { size: 1 };
  shelf.put('a', { size: 4 });
  shelf.put('b', { size: 4 });
  shelf.put('c', growing);
  shelf.get('a');
  growing.size = 5;
  shelf.reweigh('c');
  expect(['a', 'b', 'c'].map((id) => shelf.has(id))).toEqual([true, false, true]);
  shelf.delete('a');
  shelf.put('d', { size: 5 });
  expect(shelf.size).toBe(2);
});

test('what is pinned, or was just put there, stays even where that is too much', () => {
  const shelf = shelfOf(1, 10);
  shelf.put('pinned', { size: 1, pinned: true });
  shelf.put('heavy', { size: 99 });
  expect(shelf.size).toBe(2);
  shelf.put('new', { size: 1 });
  expect([shelf.has('pinned'), shelf.has('heavy'), shelf.has('new')]).toEqual([true, false, true]);
});
