import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { csvRow } from '../../src/ops/csv.ts';
import { createPrices } from '../../src/ops/prices.ts';

describe('a row of CSV', () => {
  it.each([['say "hi"'], ['""'], ['a,b\r\nc'], ['"; rm'], [' plain ']])(
    'reads back as written: %j',
    (text) => {
      expect(parse(csvRow([text, 1, undefined]))).toEqual([[text, '1', '']]);
    },
  );
});

describe('the price of tokens', () => {
  const price = (input: number) => ({ input, output: 0 });
  const prices = createPrices(
    new Map([
      ['gpt-6', price(1)],
      ['gpt-6-luna', price(2)],
      ['*', price(9)],
    ]),
  );
  it.each([
    ['gpt-6-luna', 2, 'its own'],
    ['gpt-6-luna-2026-08-01', 2, 'that of the longest name that it begins with'],
    ['gpt-6-mini', 1, 'that of the shorter one where no longer one fits'],
    ['gpt-60', 9, "everyone's, where it only looks alike"],
    ['other', 9, "everyone's"],
  ])('of %s is %i: %s', (model, cost) => {
    expect(prices.costOf(model, { input: 1, output: 0 })).toBe(cost);
  });
});
